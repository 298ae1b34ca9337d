import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import { definitionSchema, type ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { Digest } from "../../domain/ids.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import { openDuckDb, quoteText } from "../../ml/duckdb.ts";
import type { FeatureEngine } from "../../ml/features/compute-features.ts";
import { checkFeatureSql } from "../../ml/features/feature-query.ts";
import type { FeatureColumns } from "../../ml/trainers/training-data.ts";

export const fixtureModel = "flight-delays";
const request: FeatureSpec["request"] = {
  carrier: "string",
  origin: "string",
  dest: "string",
  tailnum: "string",
  time_hour: "timestamp",
  distance: "number",
};

export async function readDefinition(
  store: ArtifactStore,
): Promise<{ definition: ResolvedDefinition; definitionDigest: Digest }> {
  const sql = await readFile(new URL("../../examples/flight-delays/features.sql", import.meta.url), "utf8");
  const files = { files: "flights.parquet" };
  const { contract: _, ...plain } = definitionSchema.parse({
    model: fixtureModel,
    title: "Will the flight arrive more than 15 minutes late?",
    owner: { team: "ml-engineering", person: "ada" },
    tier: "low",
    data: { rows: "flights", sources: { flights: files, weather: files, planes: files } },
    contract: { apiVersion: "v3.1.0", kind: "DataContract" },
    features: { request, lookups: ["weather", "planes"], sql },
    label: { sql: "arr_delay > 15", name: "late" },
    evaluate: { thresholds: {} },
    monitor: { minimumRows: 50 },
  });
  const definition = { ...plain, contract: { apiVersion: "v3.1.0", kind: "DataContract" }, features: { ...plain.features, sql } };
  return { definition, definitionDigest: await store.putJson(definition) };
}

export async function freezeRequests(input: { store: ArtifactStore; directory: string; sql: string; trainRows: number }) {
  const { store, directory, sql, trainRows } = input;
  const data = new URL("../../examples/flight-delays/data/", import.meta.url).pathname;
  const duck = await openDuckDb({ threads: 1 });
  try {
    const path = join(directory, "requests.parquet");
    const columns = `carrier, origin, dest, tailnum, CAST(time_hour AS TIMESTAMP) AS time_hour, CAST(distance AS DOUBLE) AS distance`;
    await duck.run(
      `COPY (SELECT CAST(row_number() OVER (ORDER BY md5(concat_ws('/', carrier, flight, tailnum, time_hour))) AS BIGINT) AS row_id,
          ${columns}, CAST(arr_delay > 15 AS INTEGER) AS label
        FROM (FROM read_parquet(${quoteText(`${data}flights-2013-01.parquet`)}) WHERE arr_delay IS NOT NULL AND tailnum IS NOT NULL LIMIT ${trainRows})
        ORDER BY row_id) TO ${quoteText(path)} (FORMAT parquet)`,
    );
    const lookups: FeatureSpec["lookups"] = {};
    for (const name of ["weather", "planes"]) {
      const { digest } = await store.putFile(`${data}${name}.parquet`);
      await duck.run(`CREATE TABLE ${name} AS SELECT * FROM read_parquet(${quoteText(`${data}${name}.parquet`)})`);
      const [counted] = await duck.rows(`SELECT count(*) AS n FROM ${name}`);
      lookups[name] = {
        table: digest,
        rows: Number(counted?.["n"]),
        asOf: name === "weather" ? "2013-12-30T23:00:00.000Z" : null,
      };
    }
    await duck.run(
      `CREATE TABLE request (row_id BIGINT, carrier VARCHAR, origin VARCHAR, dest VARCHAR, tailnum VARCHAR, time_hour TIMESTAMP, distance DOUBLE)`,
    );
    const { features } = await checkFeatureSql(duck, sql, ["weather", "planes"]);
    const sample = await duck.rows(
      `SELECT carrier, origin, dest, tailnum, strftime(time_hour, '%Y-%m-%dT%H:%M:%SZ') AS time_hour, distance FROM read_parquet(${quoteText(path)}) LIMIT 1000`,
    );
    const rows = sample.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, name === "distance" ? Number(value) : String(value)])),
    );
    const { digest: requests } = await store.putFile(path);
    return { spec: { sql, request, lookups, features }, requests, rows };
  } finally {
    duck.close();
  }
}

/** Features of the training rows, in memory and as a Parquet artifact. */
export async function readFeatures(
  engine: FeatureEngine,
  input: { requests: Digest; directory: string; store: ArtifactStore; trainRows: number },
) {
  const { requests, directory, store, trainRows } = input;
  const table = await engine.computeFromParquet(requests);
  const columns: FeatureColumns = Object.fromEntries(table.columns.map(({ name, values }) => [name, values]));
  const labels = table.labels ?? new Uint8Array(table.rows);
  const duck = await openDuckDb({ threads: 1 });
  try {
    const path = join(directory, "train.parquet");
    const lines = Array.from({ length: trainRows }, (_, row) =>
      JSON.stringify({
        row_id: row + 1,
        ...Object.fromEntries(table.columns.map(({ name, values }) => [name, Number.isNaN(values[row]) ? null : values[row]])),
        label: labels[row],
      }),
    );
    await writeFile(join(directory, "train.json"), lines.join("\n"));
    const types = [
      "row_id: 'BIGINT'",
      ...table.columns.map(({ name, type }) => `${name}: '${type === "float" ? "FLOAT" : "VARCHAR"}'`),
      "label: 'INTEGER'",
    ];
    await duck.run(
      `COPY (SELECT * FROM read_json(${quoteText(join(directory, "train.json"))}, format = 'newline_delimited', columns = {${types.join(", ")}})) TO ${quoteText(path)} (FORMAT parquet)`,
    );
    return { columns, labels, digest: (await store.putFile(path)).digest };
  } finally {
    duck.close();
  }
}
