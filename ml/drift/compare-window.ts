import type { CategoryProfile, ColumnProfile, MonitorWindow, NumericProfile, ReferenceProfile } from "../../domain/evidence.ts";
import { type Effect, jensenShannonDistance, populationStabilityIndex } from "./effect-size.ts";
import { createInputCheck } from "./input-check.ts";
import { type DriftColumn, missingShare, numericShares } from "./reference-profile.ts";

type WindowColumn = MonitorWindow["columns"][number];

/** The scores' name among the columns; the space keeps it apart from any column. */
export const scoreColumn = "predicted probability";

export interface WindowInput {
  profile: ReferenceProfile;
  /** Columns of the profile that the window has; one that it lacks altogether counts as missing. */
  columns: Record<string, DriftColumn>;
  scores: Float32Array | Float64Array;
  limits: { warn: number; alert: number };
  minimumRows: number;
}

/**
 * One look at a window of predictions. Decided by effect size, never by p-values (on half a million
 * rows a harmless shift has p = 4e-181 at PSI 0.008), and only where the effect is larger than the
 * window's size alone can explain: 200 rows over 100 airports reach a Jensen–Shannon distance of 0.3
 * without any drift. A change of the share of missing values counts like a shift of the values.
 */
export function compareWindow({
  profile,
  columns,
  scores,
  limits,
  minimumRows,
}: WindowInput): Pick<MonitorWindow, "rows" | "verdict" | "columns"> {
  const rows = scores.length;
  const compared = Object.entries(profile.columns).map(([name, reference]) =>
    compareColumn(
      {
        name,
        reference,
        column: columns[name] ?? absent(reference, rows),
        referenceRows: profile.rows,
      },
      limits,
    ),
  );
  compared.push(
    compareColumn({ name: scoreColumn, reference: profile.score, column: scores, referenceRows: profile.rows }, limits),
  );
  if (rows < minimumRows)
    return {
      rows,
      verdict: "too-few",
      columns: compared.map((column) => ({ ...column, verdict: "steady" })),
    };
  return {
    rows,
    verdict: compared.some(({ verdict }) => verdict === "alert") ? "drift" : "steady",
    columns: compared,
  };
}

function absent(reference: ColumnProfile, rows: number): DriftColumn {
  return reference.kind === "number" ? new Float32Array(rows).fill(Number.NaN) : Array.from({ length: rows }, () => "");
}

interface ColumnInput {
  name: string;
  reference: ColumnProfile;
  column: DriftColumn;
  referenceRows: number;
}

function compareColumn({ name, reference, column, referenceRows }: ColumnInput, limits: WindowInput["limits"]): WindowColumn {
  // A number where a category was, or the other way round: the caller's columns are not the profile's.
  if (Array.isArray(column) !== (reference.kind === "category"))
    throw new TypeError(`The column ${name} is no longer a ${reference.kind}.`);
  const { effect, present, leftOut } = Array.isArray(column)
    ? compareCategories(asCategory(reference), column, referenceRows)
    : compareNumbers(asNumeric(reference), column, referenceRows);
  const missing = missingShare(present, column.length);
  const missingEffect =
    column.length === 0
      ? nothing
      : populationStabilityIndex({
          reference: [reference.missing, 1 - reference.missing],
          window: [missing, 1 - missing],
          referenceRows: Math.max(1, referenceRows),
          windowRows: column.length,
        });
  const verdicts = [effect, missingEffect].map((found) => verdictOf(found, limits));
  const verdict = verdicts.includes("alert") ? "alert" : verdicts.includes("warn") ? "warn" : "steady";
  return {
    name,
    effect: effect.value,
    method: reference.kind === "number" ? "psi" : "jensen-shannon",
    missing,
    referenceMissing: reference.missing,
    verdict,
    missingEffect: missingEffect.value,
    ...warnedShares(name, reference, column),
    ...(leftOut === undefined ? {} : { leftOut }),
  };
}

/** Shares of the rows that were answered with a warning about this column. */
function warnedShares(name: string, reference: ColumnProfile, column: DriftColumn): Pick<WindowColumn, "warned"> {
  if (name === scoreColumn) return {};
  const check = createInputCheck({ [name]: reference });
  const counts = { unseen: 0, outOfRange: 0 };
  for (let row = 0; row < column.length; row += 1)
    for (const { kind } of check([{ name, values: column }], row)) counts[kind === "unseen" ? "unseen" : "outOfRange"] += 1;
  if (counts.unseen + counts.outOfRange === 0) return {};
  return { warned: { unseen: counts.unseen / column.length, outOfRange: counts.outOfRange / column.length } };
}

function verdictOf({ value, noise }: Effect, { warn, alert }: WindowInput["limits"]): WindowColumn["verdict"] {
  if (value <= noise) return "steady";
  return value >= alert ? "alert" : value >= warn ? "warn" : "steady";
}

interface Compared {
  effect: Effect;
  present: number;
  leftOut?: string;
}

const nothing: Effect = { value: 0, noise: 0 };

/** Values of which one side has none cannot be compared; that is said wherever the other side has some. */
function oneSided(present: number, referenceRows: number): Compared {
  const leftOut = present > 0 ? "training had no value to compare with" : referenceRows > 0 ? "no value to compare" : undefined;
  return { effect: nothing, present, ...(leftOut === undefined ? {} : { leftOut }) };
}

function compareNumbers(reference: NumericProfile, column: ArrayLike<number>, rows: number): Compared {
  const { shares, present } = numericShares(reference.edges, column);
  const referenceRows = presentRows(rows, reference.missing);
  if (present === 0 || referenceRows === 0) return oneSided(present, referenceRows);
  const { pooled, ...effect } = populationStabilityIndex({
    reference: reference.shares,
    window: shares,
    referenceRows,
    windowRows: present,
  });
  return { effect, present, ...pooledAll(pooled, present) };
}

/** Where every bin is too rare for so few rows nothing was compared but, of categories, whether values are new. */
function pooledAll(pooled: boolean, present: number): { leftOut?: string } {
  return pooled ? { leftOut: `each of its values is too rare for ${present} rows` } : {};
}

function compareCategories(reference: CategoryProfile, column: string[], rows: number): Compared {
  const counts = new Map(Object.keys(reference.values).map((value) => [value, 0]));
  let other = 0;
  let present = 0;
  for (const value of column) {
    if (value === "") continue;
    present += 1;
    const known = counts.get(value);
    if (known === undefined) other += 1;
    else counts.set(value, known + 1);
  }
  const referenceRows = presentRows(rows, reference.missing);
  if (present === 0 || referenceRows === 0) return oneSided(present, referenceRows);
  const window = [...counts.values(), other].map((count) => count / present);
  const { pooled, ...effect } = jensenShannonDistance({
    reference: [...Object.values(reference.values), reference.other],
    window,
    referenceRows,
    windowRows: present,
    lastStandsAlone: true,
  });
  return { effect, present, ...pooledAll(pooled, present) };
}

function presentRows(rows: number, missing: number): number {
  return Math.round(rows * (1 - missing));
}

function asNumeric(profile: ColumnProfile): NumericProfile {
  if (profile.kind !== "number") throw new TypeError("A number is compared with a category.");
  return profile;
}

function asCategory(profile: ColumnProfile): CategoryProfile {
  if (profile.kind !== "category") throw new TypeError("A category is compared with a number.");
  return profile;
}
