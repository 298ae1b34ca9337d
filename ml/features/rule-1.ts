import { DuckDBTimestampValue, type DuckDBValue } from "@duckdb/node-api";

/** Rule 1 read requests for the versions that were trained by it, and reads them still. */
const time = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s?(Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?$/i;

/** A time with its offset, or in UTC without one; what is finer than a microsecond is cut. */
export function readTimeByRule1(value: unknown): DuckDBValue | undefined {
  const found = typeof value === "string" ? time.exec(value) : null;
  if (found === null) return undefined;
  const [, day, minutes = "00:00", seconds = "00", fraction = "", offset = "Z"] = found;
  const zone = /^[+-]\d{2}$/.test(offset) ? `${offset}:00` : offset.replace(/^([+-]\d{2})(\d{2})$/, "$1:$2").toUpperCase();
  const ms = Date.parse(`${day}T${minutes}:${seconds}${zone}`);
  // The 31st of February is the 3rd of March to Date.parse: only what reads back is a day.
  if (Number.isNaN(ms) || !new Date(`${day}T00:00:00Z`).toISOString().startsWith(day ?? "")) return undefined;
  return new DuckDBTimestampValue(BigInt(ms) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, "0")));
}
