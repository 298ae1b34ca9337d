import type { LogicalType } from "../../domain/contract-schema.ts";
import type { SourceManifest } from "../../domain/stage-results.ts";
import { quoteName } from "../duckdb.ts";

/** A column as the contract wants it. SQL expressions are over the columns as they stand in the files. */
export interface TypedColumn {
  /** The value in its type; null where the cell cannot be read as it. */
  value: string;
  /** True for cells that are there and cannot be read as the type; null when that cannot happen. */
  wrong: string | null;
  /** Why the whole column is of another type, or null. */
  mismatch: string | null;
}

const integers = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/;
const decimals = /^(FLOAT|DOUBLE|DECIMAL.*)$/;

/**
 * How a column is read. CSV cells are text and are read by the contract's type; a column that the
 * contract does not type stays text. Parquet has types of its own, which must agree; whole
 * numbers in a DOUBLE column (how pandas writes integers with gaps) are integers.
 */
export function typedColumn(
  column: { name: string; type: string },
  wanted: LogicalType | undefined,
  format: SourceManifest["format"],
): TypedColumn {
  const name = quoteName(column.name);
  if (wanted === undefined) return { value: name, wrong: null, mismatch: null };
  return format === "csv" ? fromText(name, wanted) : fromTyped({ name, ...typeOf(column.type) }, wanted);
}

function fromText(cell: string, wanted: LogicalType): TypedColumn {
  const values: Record<LogicalType, string> = {
    string: cell,
    // DuckDB would round '3.7' to 4.
    integer: `CASE WHEN regexp_full_match(trim(${cell}), '[+-]?[0-9]+') THEN TRY_CAST(${cell} AS BIGINT) END`,
    number: `CASE WHEN isfinite(TRY_CAST(${cell} AS DOUBLE)) THEN TRY_CAST(${cell} AS DOUBLE) END`,
    boolean: `TRY_CAST(${cell} AS BOOLEAN)`,
    date: `TRY_CAST(${cell} AS DATE)`,
    timestamp: `TRY_CAST(${cell} AS TIMESTAMP)`,
  };
  const value = values[wanted];
  return {
    value,
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
  return { type, family: type.startsWith("TIMESTAMP") ? "timestamp" : "other" };
}

function fromTyped({ name, type, family }: { name: string; type: string; family: Family }, wanted: LogicalType): TypedColumn {
  const floating = type === "FLOAT" || type === "DOUBLE";
  if (family === "number" && wanted === "integer")
    return {
      value: name,
      wrong: `${floating ? `NOT isfinite(${name}) OR ` : ""}${name} <> trunc(${name})`,
      mismatch: null,
    };
  if (family === wanted && wanted === "number")
    return { value: name, wrong: floating ? `NOT isfinite(${name})` : null, mismatch: null };
  const agrees = family === wanted || (wanted === "number" && family === "integer");
  return { value: name, wrong: null, mismatch: agrees ? null : `is ${type} in the files` };
}
