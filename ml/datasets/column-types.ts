import type { LogicalType } from "../../domain/contract-options.ts";
import type { ContractColumn } from "../../domain/contract-schema.ts";
import type { SourceManifest } from "../../domain/stage-results.ts";
import { quoteName, quoteText } from "../duckdb.ts";
import { strptimeFormat } from "./date-formats.ts";

/** A column as the contract wants it. SQL expressions are over the columns as they stand in the files. */
export interface TypedColumn {
  /** The value in its type; null where the cell cannot be read as it. */
  value: string;
  /** DuckDB's type of `value`. */
  resultType: string;
  /** True for cells that are there and cannot be read as the type; null when that cannot happen. */
  wrong: string | null;
  /** Why the whole column is of another type, or null. */
  mismatch: string | null;
}

/** What a contract says of a column's type. */
export type WantedType = Pick<ContractColumn, "logicalType" | "logicalTypeOptions">;

const integers = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/;
const decimals = /^(FLOAT|DOUBLE|DECIMAL.*)$/;

/**
 * How a column is read. Cells of CSV and JSON Lines are text and are read by the contract's type; a
 * column that the contract does not type stays text. Parquet has types of its own, which must agree;
 * whole numbers in a DOUBLE column (how pandas writes integers with gaps) are integers.
 */
export function typedColumn(
  column: { name: string; type: string },
  wanted: WantedType | undefined,
  format: SourceManifest["format"],
): TypedColumn {
  const name = quoteName(column.name);
  const type = wanted?.logicalType;
  if (type === undefined) return { value: name, resultType: column.type, wrong: null, mismatch: null };
  if (format === "parquet") return fromTyped({ name, ...typeOf(column.type) }, type);
  return fromText(name, type, wanted?.logicalTypeOptions.format);
}

const resultTypes: Record<LogicalType, string> = {
  string: "VARCHAR",
  integer: "BIGINT",
  number: "DOUBLE",
  boolean: "BOOLEAN",
  date: "DATE",
  timestamp: "TIMESTAMP",
  time: "TIME",
  array: "JSON",
  object: "JSON",
};

function fromText(cell: string, wanted: LogicalType, format: string | undefined): TypedColumn {
  const read = (type: string) => {
    const pattern = format === undefined ? null : strptimeFormat(format);
    return pattern === null ? `TRY_CAST(${cell} AS ${type})` : `CAST(TRY_STRPTIME(${cell}, ${quoteText(pattern)}) AS ${type})`;
  };
  const json = (kind: string) =>
    `CASE WHEN json_valid(${cell}) THEN CASE WHEN json_type(${cell}) = '${kind}' THEN ${cell} END END`;
  const values: Record<LogicalType, string> = {
    string: cell,
    // DuckDB would round '3.7' to 4.
    integer: `CASE WHEN regexp_full_match(trim(${cell}), '[+-]?[0-9]+') THEN TRY_CAST(${cell} AS BIGINT) END`,
    number: `CASE WHEN isfinite(TRY_CAST(${cell} AS DOUBLE)) THEN TRY_CAST(${cell} AS DOUBLE) END`,
    boolean: `TRY_CAST(${cell} AS BOOLEAN)`,
    date: read("DATE"),
    timestamp: read("TIMESTAMP"),
    time: read("TIME"),
    array: json("ARRAY"),
    object: json("OBJECT"),
  };
  const value = values[wanted];
  return {
    value,
    resultType: resultTypes[wanted],
    wrong: wanted === "string" ? null : `${cell} IS NOT NULL AND (${value}) IS NULL`,
    mismatch: null,
  };
}

type Family = LogicalType | "other";

function typeOf(type: string): { type: string; family: Family } {
  if (integers.test(type)) return { type, family: "integer" };
  if (decimals.test(type)) return { type, family: "number" };
  if (type === "VARCHAR" || type.startsWith("ENUM") || type === "UUID") return { type, family: "string" };
  if (type === "BOOLEAN") return { type, family: "boolean" };
  if (type === "DATE") return { type, family: "date" };
  if (type.endsWith("]")) return { type, family: "array" };
  if (type.startsWith("STRUCT") || type.startsWith("MAP")) return { type, family: "object" };
  if (type.startsWith("TIMESTAMP")) return { type, family: "timestamp" };
  return { type, family: type.startsWith("TIME") ? "time" : "other" };
}

function fromTyped({ name, type, family }: { name: string; type: string; family: Family }, wanted: LogicalType): TypedColumn {
  const floating = type === "FLOAT" || type === "DOUBLE";
  const same = { value: name, resultType: type, mismatch: null };
  if (family === "number" && wanted === "integer")
    return { ...same, wrong: `${floating ? `NOT isfinite(${name}) OR ` : ""}${name} <> trunc(${name})` };
  if (family === wanted && wanted === "number") return { ...same, wrong: floating ? `NOT isfinite(${name})` : null };
  const agrees = family === wanted || (wanted === "number" && family === "integer");
  return { ...same, wrong: null, mismatch: agrees ? null : `is ${type} in the files` };
}
