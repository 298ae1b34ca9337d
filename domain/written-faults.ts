import { pathInWords } from "./definition-text.ts";
import type { ReadText } from "./definition-text.ts";
import type { Fault } from "./errors.ts";
import type { Finding } from "./schema-faults.ts";

/** A finding with its place in the text. */
export function toFault(finding: Finding, read: ReadText): Fault {
  return {
    path: pathInWords(finding.path),
    message: finding.message,
    ...read.placeOf(finding.path, finding.spot),
  };
}

/** In the order of the text, each once: two rules may find the same. */
export function inOrder(faults: Fault[]): Fault[] {
  const seen = new Set<string>();
  const fresh = faults.filter((one) => {
    const key = JSON.stringify([one.file, one.path, one.message]);
    return seen.has(key) ? false : seen.add(key);
  });
  return fresh.toSorted(
    (left, right) =>
      (left.file ?? "").localeCompare(right.file ?? "") ||
      (left.line ?? 0) - (right.line ?? 0) ||
      (left.column ?? 0) - (right.column ?? 0),
  );
}
