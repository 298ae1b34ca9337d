import { CountersignError, type Fault } from "../../domain/errors.ts";
import { largestFloat, readingRule } from "../../domain/value-spellings.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import { type DuckDb, quoteName, quoteText, shortMessage } from "../duckdb.ts";
import { checkSelect } from "../sql-check.ts";

export type Feature = FeatureSpec["features"][number];

const path = "features.sql";
const numbers = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN)$/;
const texts = /^(VARCHAR|ENUM.*)$/;

export interface CheckedSql {
  /** Fit to stand in parentheses. */
  sql: string;
  features: Feature[];
  /** Of the spec; see value-spellings.ts. */
  reading?: number | undefined;
}

/**
 * Checks a definition's features.sql against `request` and the lookups as they are in `db`, and
 * says which features it gives: numbers and booleans become floats, text stays text. Throws `feature-sql`.
 */
export async function checkFeatureSql(db: DuckDb, sql: string, lookups: string[]): Promise<CheckedSql> {
  const checked = await checkSelect(db.connection, sql, { path, tables: ["request", ...lookups] });
  if (!checked.reads.includes("request")) throw refused([{ path, message: "It must read request." }]);
  const described = await db.rows(`DESCRIBE SELECT * FROM (${checked.sql}\n) AS features`).catch((error: unknown) => {
    throw failed(error);
  });
  const columns = described.map((column) => ({ name: String(column["column_name"]), type: String(column["column_type"]) }));
  const faults: Fault[] = [];
  const features: Feature[] = [];
  if (!columns.some((column) => column.name === "row_id")) faults.push({ path, message: "It must give the column row_id." });
  for (const { name, type } of columns) {
    if (name === "row_id") continue;
    if (name.toLowerCase() === "label") faults.push({ path, message: "A feature must not be called label." });
    else if (numbers.test(type)) features.push({ name, type: "float" });
    else if (texts.test(type)) features.push({ name, type: "string" });
    else faults.push({ path, message: `${name} is ${type}; a feature is a number, a boolean or text.` });
  }
  const names = columns.map((column) => column.name.toLowerCase());
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) < index)))
    faults.push({ path, message: `${name} is given twice.` });
  if (features.length === 0 && faults.length === 0) faults.push({ path, message: "It gives no feature." });
  if (faults.length > 0) throw refused(faults);
  return { sql: checked.sql, features, reading: readingRule };
}

/**
 * The features as models take them: `row_id` (BIGINT), floats as FLOAT (32 bits, as ONNX has
 * them) with null for what is missing or not finite, text with '' for what is missing. A number that
 * 32 bits cannot hold is an error (rule 1 took it for missing). Training and serving run this same text.
 */
export function featureQuery({ sql, features, reading }: CheckedSql): string {
  const columns = features.map(({ name, type }) => {
    const column = quoteName(name);
    const float = `TRY_CAST(${column} AS FLOAT)`;
    return type === "string"
      ? `coalesce(CAST(${column} AS VARCHAR), '') AS ${column}`
      : `CASE WHEN isfinite(${float}) THEN ${float} ${reading === undefined ? "" : tooLarge(name)}END AS ${column}`;
  });
  return `SELECT CAST(row_id AS BIGINT) AS row_id, ${columns.join(", ")} FROM (${sql}\n) AS features`;
}

const beyond = "beyond float32";

function tooLarge(name: string): string {
  const column = quoteName(name);
  return `WHEN isfinite(TRY_CAST(${column} AS DOUBLE)) THEN error(concat('${beyond}: ', row_id, ' ', ${quoteText(name)})) `;
}

/** The row and the feature whose number is too large, where that is what an error of DuckDB says. */
export function numberBeyond(error: unknown): { row: number; feature: string } | null {
  const text = error instanceof Error ? error.message : "";
  const [, row, feature] = new RegExp(`${beyond}: (\\d+) (.+)`).exec(text) ?? [];
  return row === undefined || feature === undefined ? null : { row: Number(row), feature };
}

/** After the name of a feature. */
export const beyondInWords = `is beyond ±${largestFloat.toPrecision(3)}, the largest number that a model's 32 bits hold`;

/** An error of DuckDB while it ran a definition's SQL, in words that hold no path of this machine. */
export function failed(error: unknown): Error {
  if (error instanceof CountersignError) return error;
  const number = numberBeyond(error);
  if (number !== null) return refused([{ path, message: `${number.feature} ${beyondInWords} (row_id ${number.row})` }], error);
  // An abort is no fault of the SQL.
  if (error instanceof Error && !/Error:/.test(error.message)) return error;
  return refused([{ path, message: shortMessage(error) }], error);
}

function refused(faults: Fault[], cause?: unknown): CountersignError {
  return new CountersignError("feature-sql", `features.sql fails: ${faults.map((fault) => fault.message).join(" ")}`, {
    faults,
    cause,
  });
}
