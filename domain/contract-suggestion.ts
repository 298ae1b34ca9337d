import type { ColumnSummary, DataProfile, SourceProfile } from "./data-profile.ts";

/** A text column with at most so many values, each met often, is a set. */
const mostValues = 20;
const rowsAValue = 20;
/** Fewer rows say nothing about what is always so. */
const fewestRows = 50;

type LogicalType = string;

/**
 * A first contract from what the data shows: types, what is always there, keys, bounds, sets. Bounds
 * and sets are warnings: they say what was seen, not what is allowed; a person who knows makes them
 * errors or takes them out. Values of sensitive columns never enter.
 */
export function suggestContract(
  profile: DataProfile,
  types: Record<string, Record<string, LogicalType>>,
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

function table(name: string, source: SourceProfile, types: Record<string, LogicalType>): Record<string, unknown> {
  const key = source.columns.find((column) => isKey(column, source));
  return {
    name,
    properties: source.columns.map((column) => property(column, source, { type: types[column.name], key: column === key })),
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
  { type, key }: { type: LogicalType | undefined; key: boolean },
): Record<string, unknown> {
  const enough = rows >= fewestRows;
  const options = enough && column.number !== null && !key ? boundsOf(column.number, type) : {};
  const share = column.missing / Math.max(1, rows);
  const quality = [
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
  const bounds = Object.entries(options);
  return {
    name: column.name,
    ...(type === undefined ? {} : { logicalType: type }),
    ...(key ? { primaryKey: true } : {}),
    ...(column.missing === 0 && enough ? { required: true } : {}),
    ...(bounds.length === 0 ? {} : { logicalTypeOptions: options }),
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
    sampled >= distinct * rowsAValue
  );
}

/** Nought where nothing lies below it; else what was seen and half of its range again, rounded outwards. */
function boundsOf({ min, max }: { min: number; max: number }, type: LogicalType | undefined): Record<string, number> {
  if (type !== "integer" && type !== "number") return {};
  const room = Math.max((max - min) / 2, Math.abs(max) / 2, 1);
  return { minimum: min >= 0 ? 0 : outwards(min - room, Math.floor), maximum: outwards(max + room, Math.ceil) };
}

/** Two digits are enough for a bound. */
function outwards(value: number, round: (value: number) => number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1)) - 1);
  return round(value / step) * step;
}
