/** A step that takes longer than this is told; faster ones (all there already) stay silent. */
const silentMs = 300;

/** The one error of the setup: told as text without a stack, because it names its own cure. */
export class SetupError extends Error {}

/**
 * Tells what is going on and how long it took, on standard error, so that a command's own output
 * stays clean. `say` begins a line, and whoever calls `done` ends the step with its seconds.
 */
export function createSteps(write = (text) => process.stderr.write(text)) {
  return {
    say(text) {
      write(`  ${text}\n`);
    },
    /** Runs `work`; tells its title when it took noticeably long, or at once when `announce` is set. */
    async run(title, work, { announce = false } = {}) {
      const startedAt = performance.now();
      if (announce) write(`  ${title} …\n`);
      const result = await work();
      const tookMs = performance.now() - startedAt;
      if (announce || tookMs > silentMs) write(`  ${title}: ${(tookMs / 1000).toFixed(1)} s\n`);
      return result;
    },
  };
}
