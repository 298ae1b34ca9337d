import type { LogicalType, TypeOptions } from "../../domain/contract-options.ts";
import { spellings, timestampWithOffset, timestampWithoutOffset } from "../../domain/value-spellings.ts";
import { quoteText } from "../duckdb.ts";
import { type DateFormat, dateFormat } from "./date-formats.ts";

/** The types of a value that stands in one cell; lists and objects are JSON. */
type ScalarType = Exclude<LogicalType, "array" | "object">;

/**
 * SQL of the value that a cell of text stands for; null where it does not stand for exactly one of that type. DuckDB's
 * own casts are asked only for what has the right spelling: by themselves they drop the offset of a time, cut the time
 * off a date, and take `2024-03-31xyz`, `1_000` and `0x1F` (measured with 1.5.6). They are the second
 * look: the 30th of February has the right spelling.
 */
export function readText(cell: string, type: LogicalType, options: TypeOptions = {}): string {
  if (type === "array" || type === "object")
    return `CASE WHEN json_valid(${cell}) THEN CASE WHEN json_type(${cell}) = '${type.toUpperCase()}' THEN ${cell} END END`;
  const format = options.format === undefined ? null : dateFormat(options.format);
  if (format !== null && (type === "date" || type === "timestamp" || type === "time")) return formatted(cell, type, format);
  return readers[type](`trim(${cell})`, options, cell);
}

const spelt = (text: string, pattern: string, value: string) =>
  `CASE WHEN regexp_full_match(${text}, ${quoteText(pattern)}) THEN ${value} END`;

const readers: Record<ScalarType, (text: string, options: TypeOptions, cell: string) => string> = {
  string: (_text, _options, cell) => cell,
  integer: (text) => spelt(text, spellings.integer, `TRY_CAST(${text} AS BIGINT)`),
  number: (text) => spelt(text, spellings.number, numberOf(text)),
  boolean: (text) => spelt(text, spellings.boolean, `TRY_CAST(${text} AS BOOLEAN)`),
  date: (text) => spelt(text, spellings.date, `TRY_CAST(${text} AS DATE)`),
  time: (text) => spelt(text, spellings.time, `TRY_CAST(${text} AS TIME)`),
  timestamp: (text, { timezone }) => {
    const pattern = timezone === true ? timestampWithOffset : timezone === false ? timestampWithoutOffset : spellings.timestamp;
    const moment = instantOf(text);
    return spelt(text, pattern, `CASE WHEN year(${moment}) BETWEEN 1 AND 9999 THEN ${moment} END`);
  },
};

/**
 * A text of digits and nothing else is a count or an account: one that 64 bits of a float cannot hold is not read as a
 * near one. It holds those that it is exactly, and those that it prints (561763345239376450, as programs write 5.6176334523937645e17).
 */
function numberOf(text: string): string {
  const value = `TRY_CAST(${text} AS DOUBLE)`;
  const long = `regexp_full_match(${text}, '[+-]?[0-9]{16,}')`;
  const printed = `regexp_replace(CAST(${value} AS VARCHAR), 'e.*', '')`;
  const held = `${isWhole(value, `TRY_CAST(${text} AS HUGEINT)`)} OR ${significant(printed)} = ${significant(text)}`;
  return `CASE WHEN isfinite(${value}) AND (NOT ${long} OR ${held}) THEN ${value} END`;
}

function significant(digits: string): string {
  return `trim(regexp_replace(${digits}, '[^0-9]', '', 'g'), '0')`;
}

/** SQL: true where a float of 64 bits is this whole number and no other. */
export function isWhole(float: string, whole: string): string {
  return `coalesce(TRY_CAST(${float} AS HUGEINT) = ${whole}, false)`;
}

/** The moment in UTC. DuckDB reads an offset only behind seconds and without a blank. */
function instantOf(text: string): string {
  const joined = `replace(replace(upper(${text}), 'T', ' '), 'Z', '+00')`;
  const seconds = String.raw`regexp_replace(regexp_replace(${joined}, '^(.{10} \d\d:\d\d)($|[^:])', '\1:00\2'), ' ([+-])', '\1')`;
  return `timezone('UTC', TRY_CAST(${seconds} AS TIMESTAMPTZ))`;
}

const formatTypes = { date: "DATE", timestamp: "TIMESTAMP", time: "TIME" } as const;

function formatted(cell: string, type: keyof typeof formatTypes, { strptime, pattern }: DateFormat): string {
  const read = `TRY_STRPTIME(${cell}, ${quoteText(strptime)})`;
  // Nanoseconds are cut by the cast, and so is the time of a day: what would be lost is not read.
  const exact = [
    ...(strptime.includes("%n") ? [`epoch_ns(${read}) % 1000 = 0`] : []),
    ...(type === "date" ? [`${read} = date_trunc('day', ${read})`] : []),
  ];
  const value = `CAST(${read} AS ${formatTypes[type]})`;
  return spelt(cell, pattern, exact.length === 0 ? value : `CASE WHEN ${exact.join(" AND ")} THEN ${value} END`);
}
