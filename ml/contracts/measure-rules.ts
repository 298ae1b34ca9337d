import type { Json } from "@duckdb/node-api";
import { CountersignError } from "../../domain/errors.ts";
import { type DuckDb, quoteName, shortMessage } from "../duckdb.ts";
import { checkSelect } from "../sql-check.ts";
import type { CheckedSource } from "./checked-source.ts";
import type { Rule } from "./rule.ts";

/** More expressions in one query make planning slower than a second pass over the columns (measured at 10,000). */
const expressionsAtOnce = 400;

export interface Surroundings {
  sources: Map<string, CheckedSource>;
  /** The moment against which age counts. */
  now: Date;
}

/**
 * The value of each rule, in their order, the number of rows, and whether some key was found to be different in every row. All that rows tell by themselves, the
 * uniqueness of keys included, is one query over the files; references, SQL of the contract, and
 * values that do repeat take one more each.
 */
export async function measureRules(
  db: DuckDb,
  checked: CheckedSource,
  { rules, around }: { rules: Rule[]; around: Surroundings },
): Promise<{ rows: number; values: number[]; keyed: boolean }> {
  const expressions = rules.flatMap((rule, index) => expressionsOf(rule, index));
  const found: Record<string, Json> = {};
  for (let first = 0; first === 0 || first < expressions.length; first += expressionsAtOnce) {
    const part = ["count(*) AS n", ...expressions.slice(first, first + expressionsAtOnce)];
    Object.assign(found, (await db.rows(`SELECT ${part.join(", ")} FROM ${checked.view}`))[0]);
  }
  const rows = Number(found["n"]);
  const values: number[] = [];
  for (const [index, rule] of rules.entries())
    values.push(await valueOf(db, checked, { rule, around, rows, found: (name) => found[`${name}${index}`] ?? null }));
  const keyed = rules.some(
    ({ measure }, index) => measure.kind === "duplicates" && values[index] === 0 && Number(found[`p${index}`]) === rows,
  );
  return { rows, values, keyed };
}

function expressionsOf({ measure }: Rule, index: number): string[] {
  switch (measure.kind) {
    case "rows":
      return [`count_if(${measure.failing}) AS r${index}`];
    case "duplicates":
      // Equal values have equal hashes: where no hash repeats, no value does.
      return [
        `count(*) FILTER (WHERE ${present(measure.columns)}) AS p${index}`,
        `count(DISTINCT hash(${measure.columns.join(", ")})) FILTER (WHERE ${present(measure.columns)}) AS d${index}`,
      ];
    case "age":
      return [`epoch(CAST(max(${measure.value}) AS TIMESTAMP)) AS a${index}`];
    default:
      return [];
  }
}

export function present(columns: string[]): string {
  return columns.map((column) => `(${column}) IS NOT NULL`).join(" AND ");
}

async function valueOf(
  db: DuckDb,
  checked: CheckedSource,
  input: { rule: Rule; around: Surroundings; rows: number; found(name: string): Json },
): Promise<number> {
  const { rule, around, rows, found } = input;
  const { measure } = rule;
  switch (measure.kind) {
    case "rows":
      return Number(found("r"));
    case "known":
      return measure.failing ? 1 : 0;
    case "row-count":
      return rows;
    case "age": {
      const newest = found("a");
      // No time at all is infinitely old.
      return newest === null ? Number.POSITIVE_INFINITY : around.now.getTime() / 3_600_000 - Number(newest) / 3_600;
    }
    case "duplicates": {
      if (Number(found("p")) === Number(found("d"))) return 0;
      const [result] = await db.rows(
        `SELECT coalesce(sum(n - 1), 0) AS extra FROM (SELECT count(*) AS n FROM ${checked.view} WHERE ${present(measure.columns)} GROUP BY ${measure.columns.map((column) => `(${column})`).join(", ")} HAVING count(*) > 1)`,
      );
      return Number(result?.["extra"]);
    }
    case "orphans": {
      const [result] = await db.rows(`SELECT count(*) AS n FROM ${orphans(checked, rule, around)}`).catch((error: unknown) => {
        throw unfit(rule.path, shortMessage(error), error);
      });
      return Number(result?.["n"]);
    }
    case "query":
      return queryValue(db, { sql: measure.sql, path: `${rule.path}.query`, tables: [...around.sources.keys()] });
  }
}

/** SQL in parentheses: the rows of a source that refer to nothing. */
export function orphans({ view }: CheckedSource, { measure, path }: Rule, { sources }: Surroundings): string {
  if (measure.kind !== "orphans") throw new TypeError("Only a reference has orphans.");
  const target = sources.get(measure.table);
  if (target === undefined) throw unfit(path, `${measure.table} is described by no table of the contract`);
  const columns = measure.targets.map((name) => {
    const property = target.source.table?.properties.find((one) => one.name === name);
    const file = property?.physicalName ?? name;
    if (!target.source.columns.some((column) => column.name === file))
      throw unfit(path, `${measure.table} has no column ${name}`);
    return quoteName(file);
  });
  const matched = columns.map((column, at) => `t.${column} = (${measure.columns[at] ?? "NULL"})`).join(" AND ");
  return `(SELECT * FROM ${view} AS s WHERE ${present(measure.columns)} AND NOT EXISTS (SELECT 1 FROM ${quoteName(measure.table)} AS t WHERE ${matched}))`;
}

function unfit(path: string, message: string, cause?: unknown): CountersignError {
  return new CountersignError("invalid", `${path}: ${message}.`, { faults: [{ path, message }], cause });
}

async function queryValue(db: DuckDb, { sql, path, tables }: { sql: string; path: string; tables: string[] }): Promise<number> {
  const checked = await checkSelect(db.connection, sql, { path, tables, code: "invalid" });
  let values: unknown[];
  try {
    const rows = await db.rows(`SELECT * FROM (${checked.sql}\n) AS answer LIMIT 2`);
    values = rows.flatMap((row) => Object.values(row));
  } catch (error) {
    throw unfit(path, shortMessage(error), error);
  }
  const [value] = values;
  const number =
    typeof value === "boolean"
      ? Number(value)
      : typeof value === "string" || typeof value === "number"
        ? Number(value)
        : Number.NaN;
  if (values.length !== 1 || Number.isNaN(number)) throw unfit(path, "must give one number or boolean");
  return number;
}
