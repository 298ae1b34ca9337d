import type { SearchDefinition } from "./train-schema.ts";

export type Point = Record<string, number | string | boolean>;

/** The metrics of a search, and which way is better. */
export const searchHigherIsBetter = { auc: true, logLoss: false, rmse: false, mae: false } as const;

/**
 * The points of a search, each a set of parameters: the definition's own first (nothing changed), then all
 * combinations where the space is only lists and no more than the trials, else draws. The same space, seed
 * and number give the same points; a range is drawn by a Halton sequence, which covers it more evenly than chance.
 */
export function searchPoints({ space, trials }: Pick<SearchDefinition, "space" | "trials">, seed: number): Point[] {
  const axes = Object.entries(space);
  const lists = axes.flatMap(([name, range]) => (Array.isArray(range) ? [{ name, values: range }] : []));
  const combinations = lists.reduce((count, { values }) => count * values.length, 1);
  const points: Point[] = [{}];
  if (lists.length === axes.length && combinations < trials) {
    for (let place = 0; place < combinations && points.length < trials; place += 1) points.push(combination(lists, place));
    return points;
  }
  // An offset by the seed: another seed sees other points of the same sequence.
  for (let index = 1; points.length < trials; index += 1)
    points.push(
      Object.fromEntries(
        axes.map(([name, range], axis) => [name, valueAt(range, halton(index + (seed % 1000) * trials, primeAt(axis)))]),
      ),
    );
  return points;
}

/** The trial with the best value, the earlier of two equal ones; null when all failed. */
export function bestTrial<Trial extends { value: number | null }>(trials: Trial[], higherIsBetter: boolean): Trial | null {
  let best: Trial | null = null;
  for (const trial of trials) {
    if (trial.value === null) continue;
    if (best === null || best.value === null || (higherIsBetter ? trial.value > best.value : trial.value < best.value))
      best = trial;
  }
  return best;
}

function combination(lists: { name: string; values: (number | string | boolean)[] }[], place: number): Point {
  const point: Point = {};
  let rest = place;
  for (const { name, values } of lists) {
    const value = values[rest % values.length];
    if (value !== undefined) point[name] = value;
    rest = Math.floor(rest / values.length);
  }
  return point;
}

function valueAt(range: SearchDefinition["space"][string], share: number): number | string | boolean {
  if (Array.isArray(range)) return range[Math.min(range.length - 1, Math.floor(share * range.length))] ?? "";
  const { from, to, log = false, whole = false } = range;
  const value = log ? from * (to / from) ** share : from + share * (to - from);
  // Six digits: a parameter that a person can read and give again.
  return whole ? Math.round(value) : Number(value.toPrecision(6));
}

/** The index-th number of the van der Corput sequence in a base, between 0 and 1. */
function halton(index: number, base: number): number {
  let share = 0;
  let weight = 1 / base;
  for (let rest = index; rest > 0; rest = Math.floor(rest / base)) {
    share += weight * (rest % base);
    weight /= base;
  }
  return share;
}

function primeAt(axis: number): number {
  let found = 1;
  for (let place = 0; place <= axis; place += 1) {
    do found += 1;
    while (Array.from({ length: found - 2 }, (_, index) => index + 2).some((divisor) => found % divisor === 0));
  }
  return found;
}
