import type { InputWarning } from "../../domain/input-warning.ts";
import type { ColumnProfile } from "../../domain/evidence.ts";

/** One feature of some rows. */
interface Values {
  name: string;
  values: ArrayLike<number | string>;
}

/** What training never saw of one row: nothing in most. */
type InputCheck = (columns: readonly Values[], row: number) => InputWarning[];

/**
 * Compares features with what training had: a text that never occurred there, a number beyond all that did. Missing
 * values are no warning: they are told by their share. A lookup in a set and two comparisons a feature, some tenths of a
 * microsecond. Says which column, never which value: a log of warnings holds no personal data.
 */
export function createInputCheck(profile: Record<string, ColumnProfile>): InputCheck {
  const known = new Map(Object.entries(profile).flatMap(([name, column]) => knownOf(name, column)));
  return (columns, row) => {
    const found: InputWarning[] = [];
    for (const { name, values } of columns) {
      const column = known.get(name);
      if (column === undefined) continue;
      const value = values[row];
      if (typeof value === "string") {
        if (value !== "" && column.texts?.has(value) === false) found.push({ column: name, kind: "unseen" });
      } else if (value !== undefined && (value < column.low || value > column.high)) {
        found.push({ column: name, kind: "out-of-range" });
      }
    }
    return found;
  };
}

interface Known {
  texts: Set<string> | null;
  low: number;
  high: number;
}

/** Empty where the profile does not say what there was: too many values, or a profile of before it was kept. */
function knownOf(name: string, column: ColumnProfile): [string, Known][] {
  if (column.kind === "number")
    return column.range === undefined ? [] : [[name, { texts: null, low: column.range[0], high: column.range[1] }]];
  const rarer = column.rarer === undefined && column.other === 0 ? [] : (column.rarer ?? null);
  if (rarer === null) return [];
  return [[name, { texts: new Set([...Object.keys(column.values), ...rarer]), low: Number.NaN, high: Number.NaN }]];
}
