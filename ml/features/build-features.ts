import { join } from "node:path";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest, Timestamp } from "../../domain/ids.ts";
import type { DatasetManifest, FeatureSpec, FeaturizeResult, SourceManifest } from "../../domain/stage-results.ts";
import { type ArtifactAccess, verifiedPath } from "../artifact-access.ts";
import { parseContract } from "../contracts/parse-contract.ts";
import { typedColumn } from "../datasets/column-types.ts";
import { count } from "../count-words.ts";
import { sourceQuery } from "../datasets/source-table.ts";
import { type DuckDb, openDuckDb, quoteName, quoteText } from "../duckdb.ts";
import { withScratch } from "../scratch.ts";
import type { StageTools } from "../stage-tools.ts";
import { checkBySingleRows } from "./feature-parity.ts";
import { wrongRows } from "./feature-columns.ts";
import { checkFeatureSql, failed, featureQuery } from "./feature-query.ts";
import { writeLabelledRows } from "./labelled-rows.ts";
import { type Split, splitRows } from "./split-rows.ts";

interface FeatureInput {
  store: ArtifactAccess;
  definition: ResolvedDefinition;
  manifest: DatasetManifest;
  seed: number;
}

/** Zstandard packs best of what Parquet readers know; one writer thread and a total order make equal bytes of equal rows. */
const parquet = "(FORMAT parquet, COMPRESSION zstd)";

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
    tools.progress("freezing the lookups");
    const lookups = await freezeLookups(input, { scratch, signal: tools.signal });
    tools.progress(`computing features of ${count(source.rows)} rows`);
    const checked = await computeInside(input, { scratch, files, lookups, tools });
    const spec: FeatureSpec = { sql: checked.sql, request: definition.features.request, lookups, features: checked.features };
    tools.progress("dividing the rows");
    const tables = await writeTables(input, { scratch, files, spec, tools });
    tools.progress("comparing with single rows as serving computes them");
    await checkBySingleRows({ store, spec, holdout: tables.holdout, requests: tables.holdoutRequests });
    const names = spec.features.map((feature) => feature.name).join(", ");
    const from = tables.split.holdoutFrom === null ? "" : ` from ${tables.split.holdoutFrom.slice(0, 10)} on`;
    return {
      summary: `${spec.features.length} features (${names}) of ${count(tables.split.trainRows)} rows for training and ${count(tables.split.holdoutRows)} held out${from}`,
      spec: await store.putJson(spec),
      train: tables.train,
      holdout: tables.holdout,
      holdoutRequests: tables.holdoutRequests,
      trainRows: tables.split.trainRows,
      holdoutRows: tables.split.holdoutRows,
      holdoutFrom: tables.split.holdoutFrom,
    };
  });
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

/** A source's SELECT with the contract's types where its files have none of their own (CSV). */
async function typedQuery(input: FeatureInput, name: string, source: SourceManifest): Promise<{ sql: string; paths: string[] }> {
  const paths: string[] = [];
  for (const file of source.files) paths.push(await verifiedPath(input.store, file.digest));
  const table = parseContract(input.definition.contract).schema.find((one) => one.name === name);
  const types = new Map(table?.properties.map((property) => [property.physicalName ?? property.name, property]));
  const columns = source.columns.map(
    (column) => `${typedColumn(column, types.get(column.name), source.format).value} AS ${quoteName(column.name)}`,
  );
  return { sql: `SELECT row_id, ${columns.join(", ")} FROM (${await sourceQuery(source, paths)})`, paths };
}

async function freezeLookups(
  input: FeatureInput,
  { scratch, signal }: { scratch: string; signal: AbortSignal },
): Promise<FeatureSpec["lookups"]> {
  const db = await openDuckDb({ scratch, signal, threads: 1 });
  try {
    const lookups: FeatureSpec["lookups"] = {};
    for (const name of input.definition.features.lookups) {
      const source = input.manifest.sources[name];
      if (source === undefined) continue;
      const file = join(scratch, `${name}.parquet`);
      const { sql } = await typedQuery(input, name, source);
      await db.run(`COPY (SELECT * EXCLUDE (row_id) FROM (${sql}) ORDER BY row_id) TO ${quoteText(file)} ${parquet}`);
      const { digest } = await input.store.putFile(file);
      lookups[name] = {
        table: digest,
        rows: source.rows,
        asOf: await latest(db, file, input.definition.data.sources[name]?.time),
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

interface Workplace {
  scratch: string;
  files: { labelled: string; features: string };
  tools: StageTools;
}

/** Runs the definition's SQL (label, then features) and leaves two files. */
async function computeInside(
  input: FeatureInput,
  { scratch, files, lookups, tools }: Workplace & { lookups: FeatureSpec["lookups"] },
) {
  const { definition, manifest } = input;
  const db = await openDuckDb({ scratch, signal: tools.signal });
  try {
    const source = manifest.sources[manifest.rows];
    if (source === undefined) throw new TypeError("buildFeatures looks for the row source first.");
    const { sql, paths } = await typedQuery(input, manifest.rows, source);
    await db.run(`CREATE VIEW ${quoteName(manifest.rows)} AS ${sql}`);
    for (const [name, lookup] of Object.entries(lookups)) {
      const path = await input.store.pathOf(lookup.table);
      paths.push(path);
      // The same name as in serving, where features.sql finds a table of these rows.
      await db.run(`CREATE VIEW ${quoteName(name)} AS SELECT * FROM read_parquet(${quoteText(path)})`);
    }
    await db.harden([...paths, files.labelled, files.features]);
    await writeLabelledRows(db, {
      source: manifest.rows,
      label: definition.label.sql,
      request: definition.features.request,
      time: definition.data.sources[manifest.rows]?.time,
      file: files.labelled,
    });
    const request = Object.keys(definition.features.request).map(quoteName);
    await db.run(`CREATE VIEW request AS SELECT row_id, ${request.join(", ")} FROM read_parquet(${quoteText(files.labelled)})`);
    const checked = await checkFeatureSql(db, definition.features.sql, definition.features.lookups);
    await db.run(`COPY (${featureQuery(checked)}) TO ${quoteText(files.features)} (FORMAT parquet)`).catch((error: unknown) => {
      throw failed(error);
    });
    return checked;
  } finally {
    db.close();
  }
}

async function writeTables(
  input: FeatureInput,
  { scratch, files, spec, tools }: Workplace & { spec: FeatureSpec },
): Promise<{ train: Digest; holdout: Digest; holdoutRequests: Digest; split: Split }> {
  const { definition, manifest, store } = input;
  // One thread: with more, where a row group ends depends on who was faster.
  const db = await openDuckDb({ scratch, signal: tools.signal, threads: 1 });
  try {
    await db.run(`CREATE VIEW rows AS SELECT * FROM read_parquet(${quoteText(files.labelled)})`);
    await db.run(`CREATE VIEW labelled AS SELECT row_id, "labelled at" AS time, label FROM rows`);
    await db.run(`CREATE VIEW features AS SELECT * FROM read_parquet(${quoteText(files.features)})`);
    await checkRows(db);
    const split = await splitRows(db, definition.split, { seed: input.seed, time: definition.data.sources[manifest.rows]?.time });
    const columns = spec.features.map(({ name }) => `f.${quoteName(name)}`);
    const table = async (name: string, select: string, held: boolean): Promise<Digest> => {
      const file = join(scratch, `${name}.parquet`);
      await db.run(
        `COPY (SELECT ${select}, l.label FROM ${held ? `(SELECT * FROM labelled WHERE ${split.holdout})` : `(SELECT * FROM labelled WHERE NOT ${split.holdout})`} AS l JOIN features AS f ON f.row_id = l.row_id JOIN rows AS r ON r.row_id = l.row_id ORDER BY l.row_id) TO ${quoteText(file)} ${parquet}`,
      );
      return (await store.putFile(file)).digest;
    };
    const request = Object.keys(spec.request).map((name) => `r.${quoteName(name)}`);
    return {
      train: await table("train", ["l.row_id", ...columns].join(", "), false),
      holdout: await table("holdout", ["l.row_id", ...columns].join(", "), true),
      holdoutRequests: await table("holdout-requests", ["l.row_id", ...request].join(", "), true),
      split,
    };
  } finally {
    db.close();
  }
}

async function checkRows(db: DuckDb): Promise<void> {
  const [found] = await db.rows(
    "SELECT (SELECT count(*) FROM features) AS given, (SELECT count(DISTINCT row_id) FROM features) AS ids, (SELECT count(*) FROM rows) AS asked, (SELECT count(*) FROM rows SEMI JOIN features USING (row_id)) AS met",
  );
  const [given, ids, asked, met] = ["given", "ids", "asked", "met"].map((name) => Number(found?.[name])) as [
    number,
    number,
    number,
    number,
  ];
  if (asked === 0)
    throw new CountersignError("too-few-rows", "No row has a label: label.sql is null everywhere.", {
      faults: [{ path: "label.sql", message: "is null for every row" }],
    });
  if (given !== asked || ids !== asked || met !== asked) throw wrongRows(given, asked, given - ids);
}
