import type { DataContract } from "../../domain/contract-schema.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";
import type { DatasetManifest, SourceManifest, ValidationReport } from "../../domain/stage-results.ts";
import { type ArtifactAccess, verifiedPath } from "../artifact-access.ts";
import { count } from "../count-words.ts";
import { sourceQuery } from "../datasets/source-table.ts";
import { typedColumn } from "../datasets/column-types.ts";
import { type DuckDb, openDuckDb, quoteName, shortMessage } from "../duckdb.ts";
import { withScratch } from "../scratch.ts";
import { checkSelect } from "../sql-check.ts";
import type { StageTools } from "../stage-tools.ts";
import { type Rule, rulesOf } from "./rules.ts";

type RuleReport = ValidationReport["rules"][number];

const sampleRows = 5;
const sampleCharacters = 80;

interface CheckedSource {
  name: string;
  manifest: SourceManifest;
  /** View over the files as they are, with row_id and file_index. */
  view: string;
}

/**
 * Looks whether the data keeps its contract: one aggregate query a source for all rules of its
 * rows, one more for each promise of uniqueness, and a look at single rows only where a rule
 * fails. Throws `invalid` for a contract that does not fit the sources or that DuckDB cannot read.
 */
export async function checkContract(
  input: { contract: DataContract; manifest: DatasetManifest; store: ArtifactAccess },
  { signal, progress }: StageTools,
): Promise<ValidationReport> {
  const { contract, manifest, store } = input;
  refuseStrangers(contract, manifest);
  return withScratch(async (scratch) => {
    const db = await openDuckDb({ signal, scratch });
    try {
      const sources = new Map<string, CheckedSource>();
      for (const table of contract.schema) sources.set(table.name, await openSource(db, { table, manifest, store }));
      const paths = await Promise.all(
        [...sources.values()].flatMap((source) => source.manifest.files.map((file) => store.pathOf(file.digest))),
      );
      // The scratch directory is already the place to spill to; only the files themselves are left open.
      await db.harden(paths);
      const report: ValidationReport = {
        source: manifest.rows,
        rows: manifest.sources[manifest.rows]?.rows ?? 0,
        rules: [],
      };
      for (const [index, table] of contract.schema.entries()) {
        const source = sources.get(table.name);
        if (source === undefined) continue;
        progress(`checking ${count(source.manifest.rows)} rows of ${table.name}`);
        const { rules, probes } = rulesOf(table, source.manifest, `contract.schema[${index}]`);
        for (const probe of probes) await tryProbe(db, probe);
        report.rules.push(
          ...(await checkSource(db, source, {
            rules,
            tables: [...sources.keys()],
            main: table.name === manifest.rows,
          })),
        );
      }
      return report;
    } finally {
      db.close();
    }
  });
}

function refuseStrangers(contract: DataContract, manifest: DatasetManifest): void {
  const faults: Fault[] = [];
  for (const [index, table] of contract.schema.entries()) {
    const path = `contract.schema[${index}].name`;
    if (!(table.name in manifest.sources))
      faults.push({
        path,
        message: `${table.name} is none of the sources ${Object.keys(manifest.sources).join(", ")}`,
      });
    if (contract.schema.findIndex((other) => other.name === table.name) < index)
      faults.push({ path, message: `${table.name} is described twice` });
  }
  if (!contract.schema.some((table) => table.name === manifest.rows))
    faults.push({
      path: "contract.schema",
      message: `does not describe ${manifest.rows}, whose rows are the examples`,
    });
  if (faults.length > 0)
    throw new CountersignError("invalid", "The data contract does not fit the sources.", {
      faults,
    });
}

/** Two views: the files as they are, for our rules, and with the contract's types, for SQL of the contract. */
async function openSource(
  db: DuckDb,
  input: {
    table: DataContract["schema"][number];
    manifest: DatasetManifest;
    store: ArtifactAccess;
  },
): Promise<CheckedSource> {
  const { table, store } = input;
  const manifest = input.manifest.sources[table.name];
  if (manifest === undefined) throw new TypeError(`refuseStrangers let ${table.name} through.`);
  const paths: string[] = [];
  for (const file of manifest.files) paths.push(await verifiedPath(store, file.digest));
  const view = quoteName(`files of ${table.name}`);
  await db.run(`CREATE VIEW ${view} AS ${await sourceQuery(manifest, paths)}`);
  const types = new Map(table.properties.map((property) => [property.physicalName ?? property.name, property.logicalType]));
  const typed = manifest.columns.map(
    (column) => `${typedColumn(column, types.get(column.name), manifest.format).value} AS ${quoteName(column.name)}`,
  );
  await db.run(`CREATE VIEW ${quoteName(table.name)} AS SELECT ${typed.join(", ")} FROM ${view}`);
  return { name: table.name, manifest, view };
}

async function tryProbe(db: DuckDb, { path, sql }: { path: string; sql: string }): Promise<void> {
  try {
    await db.rows(sql);
  } catch (error) {
    const message = shortMessage(error);
    throw new CountersignError("invalid", `${path} cannot be read: ${message}`, {
      faults: [{ path, message }],
      cause: error,
    });
  }
}

async function checkSource(
  db: DuckDb,
  source: CheckedSource,
  input: { rules: Rule[]; tables: string[]; main: boolean },
): Promise<RuleReport[]> {
  const counted = input.rules.flatMap(({ measure }, index) =>
    measure.kind === "rows" ? [`count_if(${measure.failing}) AS r${index}`] : [],
  );
  const [counts = {}] = await db.rows(`SELECT ${["count(*) AS n", ...counted].join(", ")} FROM ${source.view}`);
  const rows = Number(counts["n"]);
  const reports: RuleReport[] = [];
  for (const [index, rule] of input.rules.entries()) {
    const value = await measured(db, source, {
      rule,
      counted: Number(counts[`r${index}`] ?? 0),
      rows,
      tables: input.tables,
    });
    const passes = rule.accepts(value, rows);
    const known = rule.measure.kind === "known";
    const failing = passes
      ? rule.measure.kind === "rows" || rule.measure.kind === "duplicates"
        ? value
        : 0
      : known
        ? rows
        : value;
    reports.push({
      rule: rule.rule,
      column: input.main ? rule.column : `${source.name}.${rule.column ?? "*"}`,
      severity: rule.severity,
      outcome: passes ? "pass" : "fail",
      failing,
      share: rule.measure.kind === "query" || rule.measure.kind === "row-count" ? 0 : failing / Math.max(rows, 1),
      message: passes ? "" : tell(rule, value, rows),
      sample: passes ? [] : await samples(db, source, rule),
    });
  }
  return reports;
}

function tell(rule: Rule, value: number, rows: number): string {
  switch (rule.measure.kind) {
    case "known":
      return rule.breach;
    case "query":
      return `the query gave ${value}, and it ${rule.breach}`;
    case "row-count":
      return `there are ${count(value)} rows, and their number ${rule.breach}`;
    default:
      return `${count(value)} of ${count(rows)} rows ${rule.breach}`;
  }
}

async function measured(
  db: DuckDb,
  source: CheckedSource,
  input: { rule: Rule; counted: number; rows: number; tables: string[] },
): Promise<number> {
  const { measure, path } = input.rule;
  switch (measure.kind) {
    case "rows":
      return input.counted;
    case "known":
      return measure.failing ? 1 : 0;
    case "row-count":
      return input.rows;
    case "duplicates": {
      const present = measure.columns.map((column) => `(${column}) IS NOT NULL`).join(" AND ");
      const [result] = await db.rows(
        `SELECT coalesce(sum(n - 1), 0) AS extra FROM (SELECT count(*) AS n FROM ${source.view} WHERE ${present} GROUP BY ${measure.columns.map((column) => `(${column})`).join(", ")} HAVING count(*) > 1)`,
      );
      return Number(result?.["extra"]);
    }
    case "query":
      return queryValue(db, { sql: measure.sql, path: `${path}.query`, tables: input.tables });
  }
}

async function queryValue(db: DuckDb, { sql, path, tables }: { sql: string; path: string; tables: string[] }): Promise<number> {
  const checked = await checkSelect(db.connection, sql, { path, tables, code: "invalid" });
  const refuse = (message: string, cause?: unknown) =>
    new CountersignError("invalid", `${path}: ${message}`, { faults: [{ path, message }], cause });
  let values: unknown[];
  try {
    const rows = await db.rows(`SELECT * FROM (${checked.sql}\n) AS answer LIMIT 2`);
    values = rows.flatMap((row) => Object.values(row));
  } catch (error) {
    throw refuse(shortMessage(error), error);
  }
  const [value] = values;
  const number =
    typeof value === "boolean"
      ? Number(value)
      : typeof value === "string" || typeof value === "number"
        ? Number(value)
        : Number.NaN;
  if (values.length !== 1 || Number.isNaN(number)) throw refuse("must give one number or boolean");
  return number;
}

async function samples(db: DuckDb, source: CheckedSource, { measure }: Rule): Promise<RuleReport["sample"]> {
  if (measure.kind !== "rows" && measure.kind !== "duplicates") return [];
  const from =
    measure.kind === "rows"
      ? `${source.view} WHERE ${measure.failing}`
      : `(SELECT *, row_number() OVER (PARTITION BY ${measure.columns.join(", ")} ORDER BY row_id) AS occurrence FROM ${source.view} WHERE ${measure.columns.map((column) => `(${column}) IS NOT NULL`).join(" AND ")}) WHERE occurrence > 1`;
  const found = await db.rows(
    `SELECT row_id, file_index, left(CAST(${measure.shown} AS VARCHAR), ${sampleCharacters}) AS shown FROM ${from} ORDER BY row_id LIMIT ${sampleRows}`,
  );
  return found.map((row) => {
    const index = Number(row["file_index"]);
    const before = source.manifest.files.slice(0, index).reduce((total, file) => total + file.rows, 0);
    return {
      row: Number(row["row_id"]) - before + 1,
      file: source.manifest.files[index]?.name ?? "",
      value: row["shown"] === null ? "(null)" : String(row["shown"]),
    };
  });
}
