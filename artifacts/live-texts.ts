import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** Left behind by a worker that was killed; the next text that is shown clears them away. */
const forgottenAfterMs = 24 * 60 * 60_000;

/**
 * The last lines of what is being made, for people who look while it runs: beside the artifacts, which all processes
 * share, and gone when the work ends. They may quote data, so they go no other way than artifacts do.
 * None of this fails a piece of work: it goes on where nobody can look.
 */
export function createLiveTexts(directory: string) {
  const folder = resolve(directory, "live");
  const placeOf = (key: string) => join(folder, encodeURIComponent(key));

  return {
    /** Shows a text in place of the one before. */
    showLive(key: string, text: string): void {
      quietly(() => {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        for (const name of readdirSync(folder))
          if (Date.now() - statSync(join(folder, name)).mtimeMs > forgottenAfterMs) rmSync(join(folder, name), { force: true });
        const place = placeOf(key);
        writeFileSync(`${place}.partial`, text, { mode: 0o600 });
        renameSync(`${place}.partial`, place);
      });
    },
    endLive(key: string): void {
      quietly(() => rmSync(placeOf(key), { force: true }));
    },
    /** What is shown under a key, or under keys that begin with it and a plus; in the order of the keys. */
    readLive(key: string): string[] {
      const own = encodeURIComponent(key);
      const others = encodeURIComponent(`${key}+`);
      return (quietly(() => readdirSync(folder)) ?? [])
        .filter((name) => !name.endsWith(".partial") && (name === own || name.startsWith(others)))
        .sort()
        .flatMap((name) => quietly(() => readFileSync(join(folder, name), "utf8")) ?? []);
    },
  };
}

function quietly<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
