import type { LogicalType } from "./contract-options.ts";
import type { ColumnSummary, DataProfile, SourceProfile } from "./data-profile.ts";

/** A text column with at most so many values, each met often, is a set. */
const mostValues = 20;
const rowsAValue = 20;
/** Fewer rows say nothing about what is always so. */
const fewestRows = 50;
/** Longer values stand cut in a profile. */
const cutAt = 200;

/** What a column may be called without losing any of its text. */
export interface GuessedType {
  logicalType: LogicalType;
  timezone?: boolean;
}

/**
 * A first contract from what the data shows: types, what is always there, keys, bounds, sets. Bounds
 * and sets are warnings: they say what was seen, not what is allowed; a person who knows makes them
 * errors (as logicalTypeOptions) or takes them out. The data keeps it as it stands. Values of sensitive columns never enter.
 */
export function suggestContract(
  profile: DataProfile,
  types: Record<string, Record<string, GuessedType>>,
  id: string,
): Record<string, unknown> {
  return {
    apiVersion: "v3.1.0",
    kind: "DataContract",
    id,
    version: "0.1.0",
    status: "draft",
    description: { purpose: "Suggested from the data as it was seen once; read every line before it decides anything." },
    schema: Object.entries(profile.sources).map(([name, source]) => table(name, source, types[name] ?? {})),
  };
}

function table(name: string, source: SourceProfile, types: Record<string, GuessedType>): Record<string, unknown> {
  const key = source.columns.find((column) => isKey(column, source));
  return {
    name,
    properties: source.columns.map((column) => property(column, source, { guessed: types[column.name], key: column === key })),
    ...(source.rows < fewestRows
      ? {}
      : { quality: [{ metric: "rowCount", mustBeGreaterThan: Math.floor(source.rows / 2), severity: "warning" }] }),
  };
}

/** Different in every row, and named as keys are: a time or an amount may be so by chance. */
function isKey({ name, missing, distinct, distinctExact, kind }: ColumnSummary, { rows }: SourceProfile): boolean {
  const named = /(^|_)(id|key|uuid|number|nr|code)$/i.test(name) || name.toLowerCase() === "id";
  return (
    named && missing === 0 && distinctExact && distinct === rows && rows >= fewestRows && (kind === "number" || kind === "text")
  );
}

function property(
  column: ColumnSummary,
  { rows, sampled }: SourceProfile,
  { guessed, key }: { guessed: GuessedType | undefined; key: boolean },
): Record<string, unknown> {
  const enough = rows >= fewestRows;
  const type = guessed?.logicalType;
  const share = column.missing / Math.max(1, rows);
  const quality = [
    ...(enough && column.number !== null && column.notFinite === 0 && !key ? boundsOf(column.number, type) : []),
    ...(enough && isSet(column, sampled) && type === "string"
      ? [
          {
            metric: "invalidValues",
            arguments: { validValues: column.top.map(({ value }) => value).toSorted() },
            mustBe: 0,
            severity: "warning",
          },
        ]
      : []),
    ...(enough && share > 0 && share < 0.5
      ? [{ metric: "nullValues", mustBeLessThan: Math.max(1, Math.ceil(share * 200)), unit: "percent", severity: "warning" }]
      : []),
  ];
  return {
    name: column.name,
    ...(type === undefined ? {} : { logicalType: type }),
    ...(key ? { primaryKey: true } : {}),
    ...(column.missing === 0 && enough ? { required: true } : {}),
    ...(guessed?.timezone === undefined ? {} : { logicalTypeOptions: { timezone: guessed.timezone } }),
    ...(quality.length === 0 ? {} : { quality }),
  };
}

function isSet({ distinct, masked, top, kind }: ColumnSummary, sampled: number): boolean {
  return (
    kind === "text" &&
    !masked &&
    distinct >= 2 &&
    distinct <= mostValues &&
    top.length === distinct &&
    top.every(({ value }) => value.length < cutAt) &&
    sampled >= distinct * rowsAValue
  );
}

/**
 * Nought where nothing lies below it; else what was seen and half of its range again, rounded outwards. As a query,
 * because only a quality rule can be a warning.
 */
function boundsOf({ min, max }: { min: number; max: number }, type: LogicalType | undefined): Record<string, unknown>[] {
  if (type !== "integer" && type !== "number") return [];
  const room = Math.max((max - min) / 2, Math.abs(max) / 2, 1);
  const [least, most] = [min >= 0 ? 0 : outwards(min - room, Math.floor), outwards(max + room, Math.ceil)];
  if (!Number.isFinite(least) || !Number.isFinite(most)) return [];
  const query = `SELECT count(*) FROM {object} WHERE {property} < ${least} OR {property} > ${most}`;
  return [{ name: `from ${least} to ${most}`, type: "sql", query, mustBe: 0, severity: "warning" }];
}

/** Two digits are enough for a bound. */
function outwards(value: number, round: (value: number) => number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1)) - 1);
  return round(value / step) * step;
}
