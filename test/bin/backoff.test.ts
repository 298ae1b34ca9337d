import { expect, test } from "vitest";
import { afterDeath } from "../../bin/dev/supervision/backoff.ts";

test("waits double from one second up to ten, and after ten deaths in a row it is given up", () => {
  const waits: number[] = [];
  let before = 0;
  for (;;) {
    const verdict = afterDeath({ before, livedMs: 500, wasEverReady: true });
    before = verdict.deaths;
    if (!verdict.restart) break;
    waits.push(verdict.waitMs);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 10_000, 10_000]);
  expect(before).toBe(10);
});

test("a minute of life makes the next death the first again", () => {
  expect(afterDeath({ before: 9, livedMs: 60_000, wasEverReady: true })).toEqual({ restart: true, deaths: 1, waitMs: 1_000 });
});

test("what was never ready is given up after its fourth death", () => {
  expect(afterDeath({ before: 2, livedMs: 5, wasEverReady: false }).restart).toBe(true);
  expect(afterDeath({ before: 3, livedMs: 5, wasEverReady: false }).restart).toBe(false);
});
