import type { VersionId } from "./ids.ts";

export interface Move {
  kind: "promote" | "rollback";
  version: VersionId;
}

/**
 * The champions that a rollback without a named version may go to, the nearest first. A version
 * that somebody rolled back from is none of them: two rollbacks in a row go two steps back, and
 * a second click does not bring back what the first one took away.
 *
 * `moves` are all moves of one slot in the order of their epochs.
 */
export function rollbackTargets(moves: readonly Move[]): VersionId[] {
  let line: VersionId[] = [];
  for (const { kind, version } of moves) {
    const before = line.lastIndexOf(version);
    // A rollback cuts the line back to where the version stood; one that was never champion here begins a new end.
    if (kind === "rollback" && before >= 0) line = line.slice(0, before + 1);
    else line = [...line.filter((one) => one !== version), version];
  }
  return line.slice(0, -1).reverse();
}
