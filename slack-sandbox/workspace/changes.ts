import { EventEmitter } from "node:events";

/** Writes are gathered for that long: a thousand messages are not a thousand files. */
const saveAfterMs = 50;
/** The whole state is written each time: at most a tenth of the time goes into that, however large it is. */
const restFactor = 9;

/**
 * Tells that something changed: to the page's stream, to `until`, and to the file. `save` is null
 * where nothing is kept.
 */
export function createChanges(save: (() => Promise<void>) | null) {
  const emitter = new EventEmitter();
  emitter.setMaxListeners(0);
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();
  let tookMs = 0;

  async function measured(act: () => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    await act();
    tookMs = performance.now() - startedAt;
  }

  function write(): void {
    timer = null;
    if (save !== null) writing = writing.then(() => measured(save));
  }

  /** Something that no file keeps: a call, a delivery, a modal. */
  function touched(): void {
    emitter.emit("change");
  }

  return {
    touched,
    /** Something that outlives a restart. */
    changed(): void {
      if (save !== null) timer ??= setTimeout(write, Math.max(saveAfterMs, tookMs * restFactor));
      touched();
    },
    /** Calls `heard` at each change until the function that it gives is called. */
    listen(heard: () => void): () => void {
      emitter.on("change", heard);
      return () => emitter.off("change", heard);
    },
    /** Resolves with what `look` gives after some change; fails after `withinMs`. */
    async until<Found>(look: () => Found | null | undefined | false, withinMs = 5_000): Promise<Found> {
      const found = look();
      if (found) return found;
      return new Promise((resolve, reject) => {
        const check = () => {
          const seen = look();
          if (seen) end(() => resolve(seen));
        };
        const end = (act: () => void) => {
          clearTimeout(limit);
          emitter.off("change", check);
          act();
        };
        const late = () => end(() => reject(new Error(`Not seen in the Slack sandbox within ${withinMs} ms.`)));
        const limit = setTimeout(late, withinMs);
        emitter.on("change", check);
      });
    },
    async close(): Promise<void> {
      if (timer !== null) {
        clearTimeout(timer);
        write();
      }
      await writing;
    },
  };
}
