import { setTimeout as sleep } from "node:timers/promises";

/** Asks every 25 ms until `look` gives something; fails with `what` after `withinMs`. */
export async function until<Found>(
  what: string,
  look: () => Promise<Found | null | undefined | false>,
  withinMs = 30_000,
): Promise<Found> {
  const end = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`Not seen within ${withinMs} ms: ${what}.`);
    await sleep(25);
  }
}
