/** After how much life a death counts as the first again. */
export const healthyAfterMs = 60_000;
const firstWaitMs = 1_000;
const longestWaitMs = 10_000;
/** With the waits of 1, 2, 4 and 8 s and then 10 s each, ten deaths span more than a minute. */
const deathsAtMost = 10;
/** What never came up will hardly do so: a fault in its configuration, told after 7 s. */
const deathsAtMostBeforeReady = 4;

export interface Death {
  /** How many it died in a row before, each after less than a minute. */
  before: number;
  livedMs: number;
  /** Whether it was ready at any time since the supervisor started it. */
  wasEverReady: boolean;
}

export type Verdict = { restart: true; deaths: number; waitMs: number } | { restart: false; deaths: number };

/** What follows from the death of a process that should run. */
export function afterDeath({ before, livedMs, wasEverReady }: Death): Verdict {
  const deaths = livedMs >= healthyAfterMs ? 1 : before + 1;
  if (deaths >= (wasEverReady ? deathsAtMost : deathsAtMostBeforeReady)) return { restart: false, deaths };
  return {
    restart: true,
    deaths,
    waitMs: Math.min(firstWaitMs * 2 ** (deaths - 1), longestWaitMs),
  };
}
