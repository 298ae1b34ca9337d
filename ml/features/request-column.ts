import type { LogicalType } from "../../domain/contract-options.ts";
import type { ColumnType } from "../../domain/definition-schema.ts";
import { fitsRequest } from "../../domain/request-types.ts";
import { largestWhole } from "../../domain/value-spellings.ts";
import { beyondCalendar } from "../datasets/column-types.ts";
import { isWhole, readText } from "../datasets/text-cells.ts";
import { quoteName } from "../duckdb.ts";

/** A column of the data as it comes to be a request column. SQL is over the column in the contract's type. */
interface RequestColumn {
  value: string;
  /** True for values that are there and would be another one when a request brings them; null when that cannot happen. */
  wrong: string | null;
  /** What such a value is: "is no whole number of at most 2^53". */
  breach: string;
  /** Why no value of the column can become one, or null. */
  mismatch: string | null;
}

interface Given {
  name: string;
  /** DuckDB's type. */
  type: string;
  /** Null: text that the contract does not type, which is read by the type of the request. */
  logicalType: LogicalType | null;
}

/**
 * The door between data and requests: what training computes from is what a request with the same value would
 * bring, or it is said that it cannot be.
 */
export function requestColumn({ name, type, logicalType }: Given, wanted: ColumnType): RequestColumn {
  const column = quoteName(name);
  const given = { value: column, wrong: null, breach: breaches[wanted], mismatch: null };
  if (logicalType === null) {
    if (type !== "VARCHAR") return { ...given, mismatch: `is ${type} in the files` };
    if (wanted === "string") return given;
    return whenRead({ ...given, value: limited(readText(column, wanted), wanted) }, column);
  }
  const wholeNumbers = wanted === "integer" && logicalType === "number";
  if (!wholeNumbers && !fitsRequest(logicalType, wanted) && !(wanted === "string" && logicalType === "time"))
    return { ...given, mismatch: `is ${logicalType} (${type})` };
  return converted(given, { name: column, type, logicalType, wanted });
}

const breaches: Record<ColumnType, string> = {
  string: "are no text",
  integer: `are no whole numbers from -${largestWhole} to ${largestWhole}, the range that a JSON request keeps exact (an identifier is a string, in the contract as in the request)`,
  number: "are no numbers that 64 bits hold exactly",
  boolean: "are neither true nor false",
  timestamp: "are no times of the years 1 to 9999 to the microsecond",
};

function converted(
  given: RequestColumn,
  { name, type, logicalType, wanted }: { name: string; type: string; logicalType: LogicalType; wanted: ColumnType },
): RequestColumn {
  switch (wanted) {
    case "string":
      return { ...given, value: type === "VARCHAR" ? name : `CAST(${name} AS VARCHAR)` };
    case "boolean":
      return given;
    case "integer": {
      const whole = logicalType === "integer" ? name : `CASE WHEN ${name} = trunc(${name}) THEN TRY_CAST(${name} AS HUGEINT) END`;
      return /^U?(TINYINT|SMALLINT|INTEGER)$/.test(type)
        ? { ...given, value: `CAST(${name} AS BIGINT)` }
        : whenRead({ ...given, value: limited(whole, wanted) }, finiteOf(name, type));
    }
    case "number":
      return numberColumn(given, name, type);
    case "timestamp": {
      const wrong = beyondCalendar(name, type);
      const moment = type === "TIMESTAMP WITH TIME ZONE" ? `timezone('UTC', ${name})` : `CAST(${name} AS TIMESTAMP)`;
      return { ...given, wrong, value: `CASE WHEN NOT (${wrong}) THEN ${moment} END` };
    }
  }
}

function numberColumn(given: RequestColumn, name: string, type: string): RequestColumn {
  // A request cannot bring what is not finite: in training it is missing as well.
  if (type === "FLOAT" || type === "DOUBLE") return { ...given, value: `CAST(${finiteOf(name, type)} AS DOUBLE)` };
  if (/^U?(TINYINT|SMALLINT|INTEGER)$/.test(type)) return { ...given, value: `CAST(${name} AS DOUBLE)` };
  const [, width = "0", scale = "0"] = /^DECIMAL\((\d+),(\d+)\)$/.exec(type) ?? [];
  if (scale !== "0")
    // DuckDB divides, which is not always the nearest double beyond fifteen digits; reading the text is.
    return { ...given, value: Number(width) <= 15 ? `CAST(${name} AS DOUBLE)` : `CAST(CAST(${name} AS VARCHAR) AS DOUBLE)` };
  const float = `CAST(${name} AS DOUBLE)`;
  return whenRead({ ...given, value: `CASE WHEN ${isWhole(float, `TRY_CAST(${name} AS HUGEINT)`)} THEN ${float} END` }, name);
}

function finiteOf(name: string, type: string): string {
  return type === "FLOAT" || type === "DOUBLE" ? `CASE WHEN isfinite(${name}) THEN ${name} END` : name;
}

/** Whole numbers within what JSON keeps apart. */
function limited(value: string, wanted: ColumnType): string {
  return wanted === "integer"
    ? `CASE WHEN (${value}) BETWEEN -${largestWhole} AND ${largestWhole} THEN CAST((${value}) AS BIGINT) END`
    : value;
}

function whenRead(column: RequestColumn, there: string): RequestColumn {
  return { ...column, wrong: `(${there}) IS NOT NULL AND (${column.value}) IS NULL` };
}
