import type { ColumnType, ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { AsOfJoin, FeatureSpec } from "../../domain/stage-results.ts";
import { keysAgree } from "../../domain/request-types.ts";
import { logicalTypeOf } from "../datasets/column-types.ts";
import { type DuckDb, quoteName, quoteText } from "../duckdb.ts";

const seconds = { m: 60, h: 3_600, d: 86_400 };

/** How a lookup is joined, from the definition; undefined for one that does not change with time. */
export function asOfJoin(definition: ResolvedDefinition, name: string): AsOfJoin | undefined {
  const declared = definition.features.asOf?.[name];
  if (declared === undefined) return undefined;
  const { key, time, at, ttl } = declared;
  const [, number, unit] = /^(\d+)([mhd])$/.exec(ttl ?? "") ?? [];
  // The pattern of the schema lets these three letters through.
  const ttlSeconds = number === undefined ? null : Number(number) * seconds[unit as keyof typeof seconds];
  return { key, time, at, ttlSeconds };
}

/**
 * Puts a lookup into the database under its name, where features.sql finds it: all its rows; or, for
 * one that changes with time, a view with at most one row for each row of `request`, the newest of
 * its key that held at the request's moment. The rows before and after are out of the SQL's reach, so
 * that no feature can look ahead. `request` must be there when the view is read.
 */
export async function openLookup(
  db: DuckDb,
  { name, lookup, path }: { name: string; lookup: FeatureSpec["lookups"][string]; path: string },
  as: "table" | "view",
): Promise<void> {
  const { join } = lookup;
  const rows = `SELECT * FROM read_parquet(${quoteText(path)})`;
  const kind = as === "table" ? "TABLE" : "VIEW";
  if (join === undefined) return void (await db.run(`CREATE ${kind} ${quoteName(name)} AS ${rows}`));
  await db.run(`CREATE ${kind} ${historyOf(name)} AS ${rows}`);
}

/** The views of lookups that change with time; `request` must be there. */
export async function openAsOfViews(db: DuckDb, lookups: FeatureSpec["lookups"]): Promise<void> {
  for (const [name, { join }] of Object.entries(lookups))
    if (join !== undefined) await db.run(`CREATE VIEW ${quoteName(name)} AS ${asOfQuery(historyOf(name), join)}`);
}

/** A space in the name: no source is called so. */
function historyOf(name: string): string {
  return quoteName(`history of ${name}`);
}

function asOfQuery(history: string, { key, time, at, ttlSeconds }: AsOfJoin): string {
  const moment = `CAST(h.${quoteName(time)} AS TIMESTAMP)`;
  const equal = Object.entries(key).map(([column, asked]) => `h.${quoteName(column)} = r.${quoteName(asked)}`);
  const fresh = ttlSeconds === null ? "" : ` WHERE r.${quoteName(at)} - ${moment} <= INTERVAL ${ttlSeconds} SECOND`;
  return `SELECT r.row_id, h.* FROM request AS r ASOF JOIN ${history} AS h ON ${equal.join(" AND ")} AND r.${quoteName(at)} >= ${moment}${fresh}`;
}

/** Two rows of one key and moment would make it chance which of them is seen. Throws `contract-broken`, `source-schema`. */
export async function checkHistory(
  db: DuckDb,
  { name, path, join, request }: { name: string; path: string; join: AsOfJoin; request: Record<string, ColumnType> },
): Promise<void> {
  const described = await db.rows(`DESCRIBE SELECT * FROM read_parquet(${quoteText(path)})`);
  const types = new Map(described.map((row) => [String(row["column_name"]), String(row["column_type"])]));
  const at = `features.asOf.${name}`;
  for (const column of [...Object.keys(join.key), join.time]) {
    if (types.has(column)) continue;
    const message = `${name} has no column ${column}`;
    throw new CountersignError("source-schema", `${at}: ${message}.`, { faults: [{ path: at, message }] });
  }
  if (!/^(TIMESTAMP|DATE)/.test(types.get(join.time) ?? "")) {
    const message = `${join.time} is ${types.get(join.time) ?? ""}, and not a time`;
    throw new CountersignError("source-schema", `${at}.time: ${message}.`, { faults: [{ path: `${at}.time`, message }] });
  }
  for (const [column, asked] of Object.entries(join.key)) {
    const [type = "", wanted] = [types.get(column), request[asked]];
    const there = logicalTypeOf(type);
    // SQL would make 1234 of '01234' to compare them.
    if (wanted === undefined || (there !== null && keysAgree(there, wanted))) continue;
    const message = `${column} is ${type} and is compared with ${asked}, which is ${wanted} in the request; give both one type, in the contract and in features.request`;
    throw new CountersignError("source-schema", `${at}.key: ${message}.`, { faults: [{ path: `${at}.key.${column}`, message }] });
  }
  const columns = [...Object.keys(join.key), join.time].map(quoteName);
  const [found] = await db.rows(
    `SELECT coalesce(sum(n - 1), 0) AS twice FROM (SELECT count(*) AS n FROM read_parquet(${quoteText(path)}) WHERE ${columns.map((one) => `${one} IS NOT NULL`).join(" AND ")} GROUP BY ${columns.join(", ")} HAVING count(*) > 1)`,
  );
  if (Number(found?.["twice"]) === 0) return;
  const message = `${name} has ${String(found?.["twice"])} rows with the key and the time of another row, so that it would be chance which one is seen`;
  throw new CountersignError("contract-broken", `${at}: ${message}.`, { faults: [{ path: at, message }] });
}
