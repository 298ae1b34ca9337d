import { join } from "node:path";
import type { DataFinding, FeatureChecks } from "../../domain/data-finding.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Timestamp } from "../../domain/ids.ts";
import type { DatasetManifest, FeatureSpec, FeaturizeResult, SourceManifest } from "../../domain/stage-results.ts";
import { readingRule } from "../../domain/value-spellings.ts";
import type { Task } from "../../domain/task.ts";
import type { ArtifactAccess } from "../artifact-access.ts";
import { parseContract } from "../contracts/parse-contract.ts";
import { count } from "../count-words.ts";
import { type TypedSource, typedSelect, typedSource } from "../datasets/typed-source.ts";
import { type DuckDb, openDuckDb, quoteName, quoteText } from "../duckdb.ts";
import { withScratch } from "../scratch.ts";
import type { StageTools } from "../stage-tools.ts";
import { checkBySingleRows } from "./feature-parity.ts";
import { checkFeatureSql, type CheckedSql, failed, featureQuery } from "./feature-query.ts";
import { type Workplace, writeTables } from "./feature-tables.ts";
import { findKnownLater, refuseKnownLater } from "./known-later.ts";
import { writeLabelledRows } from "./labelled-rows.ts";
import { columnLineage } from "./lineage.ts";
import { asOfJoin, checkHistory, openAsOfViews, openLookup } from "./lookup-tables.ts";
import { memoryMb, parquet } from "./table-files.ts";

export interface FeatureInput {
  store: ArtifactAccess;
  definition: ResolvedDefinition;
  manifest: DatasetManifest;
  seed: number;
}

/**
 * Makes the training and holdout tables. The work is cut in two databases: the definition's SQL
 * runs in one that can open the frozen files and write two scratch files and nothing else; the
 * tables are divided, ordered and written by another that never sees foreign SQL.
 */
export async function buildFeatures(input: FeatureInput, tools: StageTools): Promise<FeaturizeResult> {
  const { definition, manifest, store } = input;
  const source = manifest.sources[manifest.rows];
  if (source === undefined) throw new CountersignError("invalid", `The dataset has no source ${manifest.rows}.`);
  refuseNames(definition, manifest);
  return withScratch(async (scratch) => {
    const files = { labelled: join(scratch, "labelled.parquet"), features: join(scratch, "features.parquet") };
    const place: Workplace = { scratch, files, tools };
    tools.progress("freezing the lookups");
    const lookups = await freezeLookups(input, place);
    tools.progress(`computing features of ${count(source.rows)} rows`);
    const { checked, knownLater, lineage } = await computeInside(input, { ...place, lookups });
    const spec: FeatureSpec = {
      sql: checked.sql,
      request: definition.features.request,
      lookups,
      features: checked.features,
      reading: readingRule,
    };
    tools.progress("dividing the rows");
    const tables = await writeTables(input, { ...place, spec, task: taskOf(definition), found: { knownLater, lineage } });
    const labelled: FeatureSpec = tables.label.task === "binary" ? spec : { ...spec, label: tables.label };
    tools.progress("comparing with single rows as serving computes them");
    await checkBySingleRows({ store, spec: labelled, holdout: tables.holdout, requests: tables.holdoutRequests });
    return {
      summary: summarise(labelled, tables),
      spec: await store.putJson(labelled),
      train: tables.train,
      holdout: tables.holdout,
      holdoutRequests: tables.holdoutRequests,
      trainRows: tables.split.trainRows,
      holdoutRows: tables.split.holdoutRows,
      holdoutFrom: tables.split.holdoutFrom,
      checks: await store.putJson(tables.checks),
    };
  });
}

function taskOf(definition: ResolvedDefinition): Task {
  return definition.label.task ?? "binary";
}

function summarise({ features, label }: FeatureSpec, tables: Awaited<ReturnType<typeof writeTables>>): string {
  const { split, checks } = tables;
  const names = features.map((feature) => feature.name);
  // Ten thousand names are no sentence.
  const shown = names.length > 20 ? `${names.slice(0, 20).join(", ")} …` : names.join(", ");
  const from = split.holdoutFrom === null ? "" : ` from ${split.holdoutFrom.slice(0, 10)} on`;
  const classes = label?.task === "multiclass" ? `, ${label.classes.length} classes` : "";
  return `${features.length} features (${shown}) of ${count(split.trainRows)} rows for training and ${count(split.holdoutRows)} held out${from}${classes}${warningsOf(checks)}`;
}

function warningsOf({ findings }: FeatureChecks): string {
  const warnings = findings.filter(({ severity }) => severity === "warning");
  if (warnings.length === 0) return "";
  const told = warnings.slice(0, 3).map(({ message }) => message);
  return `; ${warnings.length} warning${warnings.length === 1 ? "" : "s"}: ${told.join("; ")}`;
}

function refuseNames(definition: ResolvedDefinition, manifest: DatasetManifest): void {
  const faults = definition.features.lookups.flatMap((name, index) => {
    const path = `features.lookups[${index}]`;
    if (!(name in manifest.sources)) return [{ path, message: `${name} is no source` }];
    return name === manifest.rows
      ? [{ path, message: `${name} holds the examples with their outcome; as a lookup it would leak it` }]
      : [];
  });
  if ("request" in manifest.sources)
    faults.push({
      path: "data.sources.request",
      message: "request is the name of the table that features.sql reads; rename the source",
    });
  const [first] = faults;
  if (first !== undefined) throw new CountersignError("invalid", `${first.path}: ${first.message}.`, { faults });
}

function openSource({ store, definition, manifest }: FeatureInput, name: string): Promise<TypedSource> {
  return typedSource({ store, manifest, contract: parseContract(definition.contract), name });
}

async function freezeLookups(input: FeatureInput, { scratch, tools }: Workplace): Promise<FeatureSpec["lookups"]> {
  const db = await openDuckDb({ scratch, signal: tools.signal, threads: 1, memoryMb });
  try {
    const lookups: FeatureSpec["lookups"] = {};
    for (const name of input.definition.features.lookups) {
      const source: SourceManifest | undefined = input.manifest.sources[name];
      if (source === undefined) continue;
      const path = join(scratch, `${name}.parquet`);
      const rows = typedSelect(await openSource(input, name));
      await db.run(`COPY (SELECT * EXCLUDE (row_id) FROM (${rows}) ORDER BY row_id) TO ${quoteText(path)} ${parquet}`);
      const asOf = asOfJoin(input.definition, name);
      if (asOf !== undefined) await checkHistory(db, { name, path, join: asOf, request: input.definition.features.request });
      const { digest } = await input.store.putFile(path);
      lookups[name] = {
        table: digest,
        rows: source.rows,
        asOf: await latest(db, path, asOf?.time ?? input.definition.data.sources[name]?.time),
        ...(asOf === undefined ? {} : { join: asOf }),
      };
    }
    return lookups;
  } finally {
    db.close();
  }
}

/** When the newest row of a lookup happened, for its age in serving. */
async function latest(db: DuckDb, file: string, time: string | undefined): Promise<Timestamp | null> {
  if (time === undefined) return null;
  const [found] = await db.rows(
    `SELECT strftime(max(CAST(${quoteName(time)} AS TIMESTAMP)), '%Y-%m-%dT%H:%M:%S.%g') AS moment FROM read_parquet(${quoteText(file)})`,
  );
  return typeof found?.["moment"] === "string" ? `${found["moment"]}Z` : null;
}

interface Computed {
  checked: CheckedSql;
  knownLater: DataFinding[];
  lineage: Record<string, string[]>;
}

/** Runs the definition's SQL (label, then features) and leaves two files. */
async function computeInside(
  input: FeatureInput,
  { scratch, files, lookups, tools }: Workplace & { lookups: FeatureSpec["lookups"] },
): Promise<Computed> {
  const { definition, manifest } = input;
  const { request } = definition.features;
  const db = await openDuckDb({ scratch, signal: tools.signal, memoryMb });
  try {
    const source = await openSource(input, manifest.rows);
    refuseKnownLater(source.table, request);
    const paths = [...source.paths];
    await db.run(`CREATE VIEW ${quoteName(manifest.rows)} AS ${typedSelect(source)}`);
    for (const [name, lookup] of Object.entries(lookups)) {
      const path = await input.store.pathOf(lookup.table);
      paths.push(path);
      // The same name as in serving, where features.sql finds a table of these rows.
      await openLookup(db, { name, lookup, path }, "view");
    }
    await db.harden([...paths, files.labelled, files.features]);
    const time = definition.data.sources[manifest.rows]?.time;
    const { label, values } = await writeLabelledRows(db, {
      source,
      label: definition.label.sql,
      task: taskOf(definition),
      request,
      time,
      group: definition.split.by === "group" ? definition.split.group : undefined,
      file: files.labelled,
    });
    const knownLater = await findKnownLater(db, { source: manifest.rows, label, request, values, time });
    const columns = Object.keys(request).map(quoteName);
    await db.run(`CREATE VIEW request AS SELECT row_id, ${columns.join(", ")} FROM read_parquet(${quoteText(files.labelled)})`);
    await openAsOfViews(db, lookups);
    const checked = await checkFeatureSql(db, definition.features.sql, definition.features.lookups);
    await db.run(`COPY (${featureQuery(checked)}) TO ${quoteText(files.features)} (FORMAT parquet)`).catch((error: unknown) => {
      throw failed(error);
    });
    return { checked, knownLater, lineage: await lineageOf(db, input, checked) };
  } finally {
    db.close();
  }
}

/** Each feature's columns of the sources; a request column is one of the source of the examples. */
async function lineageOf(
  db: DuckDb,
  { definition, manifest }: FeatureInput,
  { sql, features }: CheckedSql,
): Promise<Computed["lineage"]> {
  const { request, lookups } = definition.features;
  const tables = new Map([["request", ["row_id", ...Object.keys(request)]]]);
  for (const name of lookups) {
    const columns = manifest.sources[name]?.columns.map((column) => column.name) ?? [];
    tables.set(name, definition.features.asOf?.[name] === undefined ? columns : ["row_id", ...columns]);
  }
  const found = new Map(
    (await columnLineage(db.connection, sql, tables)).map(({ name, origins }) => [name.toLowerCase(), origins]),
  );
  // A feature that the tree does not name may come of anything that the query can read.
  const anything = [...tables].flatMap(([table, columns]) => columns.map((column) => `${table}.${column}`));
  return Object.fromEntries(
    features.map(({ name }) => {
      const origins = [...(found.get(name.toLowerCase()) ?? anything)].filter((origin) => !origin.endsWith(".row_id"));
      return [name, origins.map((origin) => origin.replace(/^request\./, `${manifest.rows}.`)).toSorted()];
    }),
  );
}
