import { isRecord } from "./loose-value.ts";
import { pathInWords, type Path } from "./definition-text.ts";

/** What differs between two documents of JSON, for people to read. */
export interface Difference {
  path: string;
  before: unknown;
  after: unknown;
}

/** Every leaf that differs, in the order of the new document. Lists of objects are compared place by place. */
export function documentDifferences(before: unknown, after: unknown, path: Path = []): Difference[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (isRecord(before) && isRecord(after)) {
    const names = [...new Set([...Object.keys(after), ...Object.keys(before)])];
    return names.flatMap((name) => documentDifferences(before[name], after[name], [...path, name]));
  }
  if (isList(before) && isList(after) && [...before, ...after].every(isRecord)) {
    const longest = Math.max(before.length, after.length);
    return Array.from({ length: longest }, (_, index) =>
      documentDifferences(before[index], after[index], [...path, index]),
    ).flat();
  }
  return [{ path: pathInWords(path), before, after }];
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

const longestShown = 400;

/** One line each; texts of several lines with the lines that went and came. */
export function differenceInWords({ path, before, after }: Difference): string {
  if (typeof before === "string" && typeof after === "string" && `${before}${after}`.includes("\n"))
    return `${path}:\n${lineDifferences(before, after).join("\n")}`;
  if (before === undefined) return `${path}: new: ${shown(after)}`;
  if (after === undefined) return `${path}: gone: ${shown(before)}`;
  return `${path}: ${shown(before)} → ${shown(after)}`;
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

/** Longer texts are compared as sets of lines: the table below grows with the product of both lengths. */
const mostLines = 600;

/** `- ` lines that went and `+ ` lines that came, by the longest common subsequence. */
export function lineDifferences(before: string, after: string): string[] {
  const old = before.split("\n");
  const now = after.split("\n");
  if (old.length > mostLines || now.length > mostLines) {
    const [had, has] = [new Set(old), new Set(now)];
    return [
      ...old.filter((line) => !has.has(line)).map((line) => `- ${line}`),
      ...now.filter((line) => !had.has(line)).map((line) => `+ ${line}`),
    ];
  }
  const common = commonLengths(old, now);
  const found: string[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) [i, j] = [i + 1, j + 1];
    else if (j >= now.length || (i < old.length && (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0)))
      found.push(`- ${old[i++] ?? ""}`);
    else found.push(`+ ${now[j++] ?? ""}`);
  }
  return found;
}

/** How many lines the rest of both have in common, from each pair of places on. */
function commonLengths(old: string[], now: string[]): number[][] {
  const lengths = Array.from({ length: old.length + 1 }, () => Array.from({ length: now.length + 1 }, () => 0));
  for (let i = old.length - 1; i >= 0; i -= 1)
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const row = lengths[i];
      if (row)
        row[j] = old[i] === now[j] ? (lengths[i + 1]?.[j + 1] ?? 0) + 1 : Math.max(lengths[i + 1]?.[j] ?? 0, row[j + 1] ?? 0);
    }
  return lengths;
}
