import type { QualityRule } from "../domain/contract-schema.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { Path } from "../domain/definition-text.ts";
import { CountersignError } from "../domain/errors.ts";
import { filledQuery, type QueryNames, unfilledPlace } from "./contracts/quality-rules.ts";
import { parseContract } from "./contracts/parse-contract.ts";
import { type DuckDb, openDuckDb, shortMessage } from "./duckdb.ts";
import { conditionQuery } from "./evaluation/groupings.ts";
import { checkFeatureSql } from "./features/feature-query.ts";
import { checkLabel, labelQuery } from "./features/labelled-rows.ts";
import { createRequestTable } from "./features/request-values.ts";
import { checkSelect, type PlacedFault, SqlRefusal } from "./sql-check.ts";

/** A fault in one of a definition's SQL texts; `at` is the character of the text as it is written. */
export interface SqlFault extends PlacedFault {
  path: Path;
}

/**
 * What can be said of a definition's SQL before any data is there. All of it is parsed, and its tables and functions
 * are looked up. Columns are known of `request` alone: what reads nothing else is compiled whole. The SQL of
 * `data.sources` is another database's.
 */
export async function checkDefinitionSql(definition: ResolvedDefinition): Promise<SqlFault[]> {
  const db = await openDuckDb({ memoryMb: 256, threads: 1 });
  try {
    await createRequestTable(db, definition.features.request);
    await db.harden([]);
    return [
      ...(await featureFaults(db, definition)),
      ...(await labelFaults(db, definition)),
      ...(await sliceFaults(db, definition)),
      ...(await contractFaults(db, definition)),
    ];
  } finally {
    db.close();
  }
}

/** What was given to the parser, and how many of its characters stand before those of the definition. */
interface Checked {
  sql: string;
  before?: number;
}

function featureFaults(db: DuckDb, { features }: ResolvedDefinition): Promise<SqlFault[]> {
  const { sql, lookups } = features;
  return faultsOf(["features", "sql"], { sql }, async () => {
    const checked = await checkSelect(db.connection, sql, { path: "features.sql", tables: ["request", ...lookups] });
    // A lookup's columns are known when its files are read.
    if (checked.reads.some((table) => lookups.includes(table))) return;
    await bind(db, checked.sql);
    await checkFeatureSql(db, sql, lookups);
  });
}

function labelFaults(db: DuckDb, { label, data }: ResolvedDefinition): Promise<SqlFault[]> {
  const checked = labelQuery(label.sql, data.rows);
  return faultsOf(["label", "sql"], checked, () => checkLabel(db.connection, label.sql, data.rows));
}

async function sliceFaults(db: DuckDb, { evaluate }: ResolvedDefinition): Promise<SqlFault[]> {
  const found: SqlFault[] = [];
  for (const [index, slice] of (evaluate.slices ?? []).entries()) {
    if (typeof slice === "string") continue;
    const query = conditionQuery(slice.where);
    const check = async () => {
      const { sql } = await checkSelect(db.connection, query.sql, { path: "evaluate.slices", tables: ["request"] });
      await bind(db, sql);
    };
    found.push(...(await faultsOf(["evaluate", "slices", index, "where"], query, check)));
  }
  return found;
}

async function contractFaults(db: DuckDb, { contract, data }: ResolvedDefinition): Promise<SqlFault[]> {
  const tables = Object.keys(data.sources);
  const found: SqlFault[] = [];
  for (const { path, query, names } of contractQueries(contract)) {
    const sql = filledQuery(query, names);
    const faults = await faultsOf(path, { sql }, () => checkSelect(db.connection, sql, { path: "query", tables }));
    found.push(...faults.map((one) => ({ ...one, at: one.at === null ? null : unfilledPlace(query, names, one.at) })));
  }
  return found;
}

/** Names and types are looked up, and nothing runs. */
async function bind(db: DuckDb, sql: string): Promise<void> {
  (await db.connection.prepare(sql)).destroySync();
}

/** Every `quality: sql` of a contract. */
function contractQueries(contract: unknown): { path: Path; query: string; names: QueryNames }[] {
  const queries = (quality: QualityRule[], at: Path, names: QueryNames) =>
    quality.flatMap((rule, index) =>
      rule.type === "sql" ? [{ path: [...at, "quality", index, "query"], query: rule.query, names }] : [],
    );
  return parseContract(contract).schema.flatMap(({ name: table, properties, quality }, at) => [
    ...properties.flatMap(({ name, physicalName, quality: own }, index) =>
      queries(own, ["contract", "schema", at, "properties", index], { table, column: physicalName ?? name }),
    ),
    ...queries(quality, ["contract", "schema", at], { table, column: null }),
  ]);
}

/** What a check refuses, at the text's own characters: `before` of them stand before it in `sql`, which was checked. */
async function faultsOf(path: Path, { sql, before = 0 }: Checked, check: () => Promise<unknown>): Promise<SqlFault[]> {
  try {
    await check();
    return [];
  } catch (error) {
    return refusals(error, sql).map(({ message, at }) => ({ path, message, at: at === null ? null : Math.max(0, at - before) }));
  }
}

function refusals(error: unknown, sql: string): PlacedFault[] {
  if (error instanceof SqlRefusal) return error.places;
  if (error instanceof CountersignError) return error.faults.map(({ message }) => ({ message, at: null }));
  if (!(error instanceof Error) || !/^[A-Z][A-Za-z ]* Error: /.test(error.message)) throw error;
  return [{ message: `${shortMessage(error, { overData: false })}.`, at: placeInEcho(error.message, sql) }];
}

/** DuckDB tells the place of what it cannot bind by showing the line, or a part of it between dots, with a caret below. */
function placeInEcho(message: string, sql: string): number | null {
  const [, number, shown, gap] = /^LINE (\d+): (.*)\n( *)\^/m.exec(message) ?? [];
  if (number === undefined || shown === undefined || gap === undefined) return null;
  const lines = sql.split("\n");
  const line = lines[Number(number) - 1] ?? "";
  const start = lines.slice(0, Number(number) - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const cut = shown.startsWith("...") ? 3 : 0;
  const fragment = line.indexOf(shown.slice(cut).replace(/\.\.\.$/, ""));
  return fragment === -1 ? start : start + fragment + gap.length - `LINE ${number}: `.length - cut;
}
