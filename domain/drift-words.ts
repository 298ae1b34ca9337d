import type { MonitorWindow } from "./evidence.ts";
import { shareInWords } from "./wording.ts";

/** A column of a window; the audit records of earlier versions of the product hold only the first three. */
export type DriftedColumn = Pick<MonitorWindow["columns"][number], "name" | "effect" | "verdict"> &
  Partial<MonitorWindow["columns"][number]>;

/** A change of the share of missing values that is worth a word. */
const toldShare = 0.01;

/** How far a column has moved, by its values or by what is missing of them; whichever is more. */
export function driftOf({ effect, missingEffect = 0 }: DriftedColumn): number {
  return Math.max(effect, missingEffect);
}

/** `distance 0.41`; `gap (98 % missing, 0 % in training)` where it is not the values that moved. */
export function driftInWords(column: DriftedColumn): string {
  const { name, effect, missing = 0, referenceMissing = 0, missingEffect = 0, leftOut } = column;
  const holes =
    Math.abs(missing - referenceMissing) < toldShare
      ? null
      : `${shareInWords(missing)} missing, ${shareInWords(referenceMissing)} in training`;
  const note = holes ?? leftOut ?? null;
  // An effect of nought beside a column that is all but missing would say that nothing happened.
  const valuesMoved = note === null || effect >= Math.max(0.01, missingEffect);
  const moved = valuesMoved ? ` ${effect.toFixed(2)}` : "";
  return `${name}${moved}${note === null ? "" : ` (${note})`}`;
}
