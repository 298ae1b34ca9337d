import { setTimeout as sleep } from "node:timers/promises";

/** Waits until one may post to a place again: Slack's limits are met before it has to say so. */
export function createPace(everyMs: number): (place: string) => Promise<void> {
  const nextAt = new Map<string, number>();
  return async (place) => {
    if (everyMs <= 0) return;
    const now = Date.now();
    const at = Math.max(now, nextAt.get(place) ?? 0);
    if (nextAt.size > 10_000) nextAt.clear();
    nextAt.set(place, at + everyMs);
    if (at > now) await sleep(at - now);
  };
}
