/** Case and separators are what people mix up most: `log_loss` for `logLoss` is no distance at all. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, "");
}

/** Edits between two words, where two letters changed about count once (optimal string alignment). */
export function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const same = left[i - 1] === right[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      if (swapped) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[right.length] ?? 0;
}

/**
 * The candidate that was probably meant, or null. A third of the letters may differ: less misses
 * `featrues`, more takes `time` for `title`.
 */
export function suggest(word: string, candidates: Iterable<string>): string | null {
  const wanted = plain(word);
  let best: { candidate: string; distance: number } | null = null;
  for (const candidate of candidates) {
    const known = plain(candidate);
    const distance = editDistance(wanted, known);
    const allowed = Math.floor(Math.max(wanted.length, known.length) / 3);
    // A word that was cut short or written out (`param` for `parameters`) is meant as well.
    const begins = wanted.length >= 4 && (known.startsWith(wanted) || wanted.startsWith(known));
    if (distance > allowed && !begins) continue;
    if (best === null || distance < best.distance) best = { candidate, distance };
  }
  return best?.candidate ?? null;
}

/** ` Did you mean \`features\`?`, with its leading space, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const meant = suggest(word, candidates);
  return meant === null ? "" : ` Did you mean \`${meant}\`?`;
}

/** `a`, `b` and `c`, for messages that list what is allowed. */
export function listed(words: Iterable<string>, joint: "and" | "or" = "or"): string {
  const quoted = [...words].map((word) => `\`${word}\``);
  const last = quoted.pop();
  if (last === undefined) return "nothing";
  return quoted.length === 0 ? last : `${quoted.join(", ")} ${joint} ${last}`;
}
