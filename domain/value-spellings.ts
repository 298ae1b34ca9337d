/**
 * How values are written as text, for every place that reads one: cells of CSV and JSON Lines, bounds of
 * a contract, prediction requests. The patterns are regular expressions as both JavaScript and DuckDB (RE2)
 * read them, so that training and serving take the same text for the same value, and refuse the same text.
 */

/**
 * The rule by which data and requests are read. Datasets and feature specs carry its number; those without one
 * were made by rule 1, which dropped offsets, cut times of day off dates and took too large numbers for missing.
 */
export const readingRule = 2;

const year = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})";
const day = `${year}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])`;
/** To the microsecond, which is as fine as times are kept. */
const clock = String.raw`(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6}0{0,3})?)?`;
const offset = "(?:[Zz]|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)";

export const spellings = {
  integer: "[+-]?[0-9]+",
  number: String.raw`[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?`,
  boolean: "(?i:true|false|t|f|yes|no|y|n|1|0)",
  date: day,
  time: clock,
  timestamp: `${day}(?:[Tt ]${clock}(?: ?${offset})?)?`,
} as const;
export const timestampWithOffset = `${day}[Tt ]${clock} ?${offset}`;
export const timestampWithoutOffset = `${day}(?:[Tt ]${clock})?`;

/** JSON numbers tell whole numbers apart up to here; Number.MAX_SAFE_INTEGER. */
export const largestWhole = 9_007_199_254_740_991;
/** What a model's inputs hold, which are floats of 32 bits. */
export const largestFloat = 3.4028234663852886e38;

/** Milliseconds since 1970 of the years 1 to 9999, of which an offset may lead out. */
const calendar = { from: Date.parse("0001-01-01T00:00:00Z"), until: Date.parse("+010000-01-01T00:00:00Z") };
const timestamp = new RegExp(`^${spellings.timestamp}$`);
const parts = /^(\S{10})(?:[Tt ]([0-9:]+)(?:\.([0-9]+))? ?(\S+)?)?$/;

/** Microseconds since 1970 of a time with its offset, or in UTC without one; null for other text. */
export function instantOf(text: string): bigint | null {
  if (!timestamp.test(text)) return null;
  const [, date = "", minutes = "00:00", fraction = "", zone = "Z"] = parts.exec(text) ?? [];
  const shift = /^[+-]/.test(zone) ? `${zone.slice(0, 3)}:${zone.replace(":", "").slice(3).padEnd(2, "0")}` : "Z";
  // The 31st of February is the 3rd of March to Date.parse: only what reads back is a day.
  const midnight = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(date)) return null;
  const moment = Date.parse(`${date}T${minutes}${shift}`);
  if (moment < calendar.from || moment >= calendar.until) return null;
  return BigInt(moment) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, "0"));
}

/** A date, a time of day or a timestamp as DuckDB's cast reads it exactly, in UTC; null for other text. */
export function plainTime(text: string): string | null {
  if (new RegExp(`^${spellings.time}$`).test(text)) return text.length === 5 ? `${text}:00` : text;
  const instant = instantOf(text);
  if (instant === null) return null;
  const micros = ((instant % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((instant - micros) / 1000n)).toISOString();
  return `${seconds.slice(0, 19).replace("T", " ")}.${String(micros).padStart(6, "0")}`;
}
