import type { LogicalType } from "../../domain/contract-options.ts";
import type { ContractColumn } from "../../domain/contract-schema.ts";
import type { SourceManifest } from "../../domain/stage-results.ts";
import { quoteName } from "../duckdb.ts";
import { readText } from "./text-cells.ts";

/** A column as the contract wants it. SQL expressions are over the columns as they stand in the files. */
export interface TypedColumn {
  /** The value in its type; null where the cell cannot be read as it. */
  value: string;
  /** DuckDB's type of `value`. */
  resultType: string;
  /** What `value` is; null for text that the contract does not type, and for types of Parquet that it has no word for. */
  logicalType: LogicalType | null;
  /** True for cells that are there and cannot be read as the type; null when that cannot happen. */
  wrong: string | null;
  /** Why the whole column is of another type, or null. */
  mismatch: string | null;
}

/** What a contract says of a column's type. */
export type WantedType = Pick<ContractColumn, "logicalType" | "logicalTypeOptions">;

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
  const type = wanted?.logicalType;
  const name = quoteName(column.name);
  if (type === undefined) {
    const logicalType = format === "parquet" ? logicalTypeOf(column.type) : null;
    return { value: name, resultType: column.type, logicalType, wrong: null, mismatch: null };
  }
  if (format === "parquet") return fromTyped(name, column.type, { ...wanted, logicalType: type });
  return fromText(name, { ...wanted, logicalType: type });
}

type Wanted = { logicalType: LogicalType } & Partial<Pick<WantedType, "logicalTypeOptions">>;

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

function fromText(cell: string, { logicalType, logicalTypeOptions }: Wanted): TypedColumn {
  const value = readText(cell, logicalType, logicalTypeOptions);
  return {
    value,
    resultType: resultTypes[logicalType],
    logicalType,
    wrong: logicalType === "string" ? null : `${cell} IS NOT NULL AND (${value}) IS NULL`,
    mismatch: null,
  };
}

/** The contract's word for a type of Parquet; null where it has none. */
export function logicalTypeOf(type: string): LogicalType | null {
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return "integer";
  if (/^(FLOAT|DOUBLE|DECIMAL.*)$/.test(type)) return "number";
  if (/^(VARCHAR$|ENUM|UUID$)/.test(type)) return "string";
  if (type === "BOOLEAN") return "boolean";
  if (type === "DATE") return "date";
  if (type.endsWith("]")) return "array";
  if (/^(STRUCT|MAP)/.test(type)) return "object";
  if (type.startsWith("TIMESTAMP")) return "timestamp";
  return type.startsWith("TIME") ? "time" : null;
}

function fromTyped(name: string, type: string, wanted: Wanted): TypedColumn {
  const { logicalType } = wanted;
  const there = logicalTypeOf(type);
  const agrees = there === logicalType || (logicalType === "number" && there === "integer");
  const mismatch = agrees
    ? zoneMismatch(type, wanted)
    : logicalType === "integer" && there === "number"
      ? null
      : `is ${type} in the files`;
  const wrong = mismatch === null ? wrongValues(name, type, logicalType) : null;
  const value = wrong === null ? name : `CASE WHEN NOT (${wrong}) THEN ${name} END`;
  return { value, resultType: type, logicalType: there, wrong, mismatch };
}

function zoneMismatch(type: string, { logicalType, logicalTypeOptions }: Wanted): string | null {
  const timezone = logicalTypeOptions?.timezone;
  if (timezone === undefined || logicalType !== "timestamp" || timezone === type.endsWith("WITH TIME ZONE")) return null;
  return `is ${type} in the files, ${timezone ? "without" : "with"} a time zone`;
}

/** SQL of the values that are none of their type, or null where a type of Parquet can hold no such thing. */
function wrongValues(name: string, type: string, wanted: LogicalType): string | null {
  const floating = type === "FLOAT" || type === "DOUBLE";
  if (wanted === "integer" && logicalTypeOf(type) === "number")
    return `${floating ? `NOT isfinite(${name}) OR ` : ""}${name} <> trunc(${name})`;
  if (wanted === "number" && floating) return `NOT isfinite(${name})`;
  return wanted === "date" || wanted === "timestamp" ? beyondCalendar(name, type) : null;
}

/** Infinities, years that no calendar of a business has (INT96 wraps into them), and what is finer than a microsecond. */
export function beyondCalendar(name: string, type: string): string {
  const finer = type === "TIMESTAMP_NS" ? ` OR epoch_ns(${name}) % 1000 <> 0` : "";
  return `NOT isfinite(${name}) OR year(${name}) NOT BETWEEN 1 AND 9999${finer}`;
}
