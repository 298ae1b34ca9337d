import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MockActivityEnvironment } from "@temporalio/testing";
import { DefaultLogger } from "@temporalio/worker";
import { type ArtifactStore, createArtifactStore } from "../../artifacts/artifact-store.ts";
import { definitionSchema, type ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { Digest } from "../../domain/ids.ts";
import type { FeatureSpec, FeaturizeResult } from "../../domain/stage-results.ts";
import { openDuckDb, quoteText } from "../../ml/duckdb.ts";

const dataDirectory = fileURLToPath(new URL("../../examples/flight-delays/data", import.meta.url));

/** Two ways to make features of the same request columns: the second knows the hour and the airports. */
export const featureSpecs: Record<"few" | "many", FeatureSpec> = {
  few: spec("SELECT row_id, carrier, CAST(distance AS FLOAT) AS miles FROM request", [
    { name: "carrier", type: "string" },
    { name: "miles", type: "float" },
  ]),
  many: spec(
    "SELECT row_id, carrier, origin, dest, CAST(hour AS FLOAT) AS hour, CAST(distance AS FLOAT) AS distance FROM request",
    [
      { name: "carrier", type: "string" },
      { name: "origin", type: "string" },
      { name: "dest", type: "string" },
      { name: "hour", type: "float" },
      { name: "distance", type: "float" },
    ],
  ),
};

function spec(sql: string, features: FeatureSpec["features"]): FeatureSpec {
  const request = { carrier: "string", origin: "string", dest: "string", hour: "integer", distance: "number" } as const;
  return { sql, request, lookups: {}, features };
}

export async function createTestStore(): Promise<{ store: ArtifactStore; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), "countersign-ml-test-"));
  return { store: createArtifactStore({ directory: join(directory, "artifacts") }), directory };
}

/** Real flights: January and February to train, March held out; late by more than 15 minutes is positive. */
export async function putFlights(
  store: ArtifactStore,
  directory: string,
  { features, sql }: FeatureSpec,
): Promise<FeaturizeResult> {
  const db = await openDuckDb();
  const write = async (name: string, months: string[], columns: string | null): Promise<{ digest: Digest; rows: number }> => {
    const path = join(directory, `${name}.parquet`);
    const files = months.map((month) => quoteText(join(dataDirectory, `flights-2013-${month}.parquet`))).join(", ");
    await db.run(
      `CREATE OR REPLACE TEMP TABLE request AS SELECT CAST(row_number() OVER () - 1 AS BIGINT) AS row_id, carrier, origin, dest, CAST(hour AS BIGINT) AS hour, CAST(distance AS DOUBLE) AS distance, CAST(arr_delay > 15 AS INTEGER) AS label FROM read_parquet([${files}]) WHERE arr_delay IS NOT NULL`,
    );
    const from = columns === null ? "request" : `(${sql}) AS made JOIN request USING (row_id)`;
    await db.run(`COPY (SELECT ${columns ?? "*"} FROM ${from} ORDER BY row_id) TO ${quoteText(path)} (FORMAT parquet)`);
    const [counted] = await db.rows("SELECT count(*) AS n FROM request");
    return { digest: (await store.putFile(path)).digest, rows: Number(counted?.["n"]) };
  };
  const columns = ["row_id", ...features.map(({ name }) => `made.${name}`), "label"].join(", ");
  try {
    const train = await write("train", ["01", "02"], columns);
    const holdout = await write("holdout", ["03"], columns);
    const requests = await write("holdout-requests", ["03"], null);
    return {
      summary: "",
      spec: await store.putJson({ ...featureSpecs.few, features, sql }),
      train: train.digest,
      holdout: holdout.digest,
      holdoutRequests: requests.digest,
      trainRows: train.rows,
      holdoutRows: holdout.rows,
      holdoutFrom: null,
    };
  } finally {
    db.close();
  }
}

/** A whole definition with the parts that a test is about. */
export function definitionWith(parts: { train?: object; evaluate?: object } = {}): ResolvedDefinition {
  const definition = definitionSchema.parse({
    model: "flight-delays",
    title: "Will the flight arrive more than 15 minutes late?",
    owner: { team: "ml-engineering", person: "ada" },
    tier: "medium",
    data: { sources: { flights: { files: "flights-{month}.parquet" } }, rows: "flights" },
    contract: { apiVersion: "v3.1.0", kind: "DataContract" },
    features: { request: featureSpecs.few.request, sql: featureSpecs.few.sql },
    label: { sql: "arr_delay > 15", name: "late" },
    evaluate: { thresholds: { auc: { pass: 0.55, fail: 0.5 } }, bootstrapRounds: 100, ...parts.evaluate },
    train: parts.train ?? {},
  });
  const { contract, features } = definition;
  if ("file" in contract || typeof features.sql !== "string") throw new TypeError("The test's definition names files.");
  return { ...definition, contract, features: { ...features, sql: features.sql } };
}

/** Runs an activity as Temporal would; gives its heartbeats and a way to cancel it. */
export function startActivity<Input, Result>(
  activity: (input: Input) => Promise<Result>,
  input: Input,
): { result: Promise<Result>; heartbeats: unknown[]; cancel: () => void } {
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger("ERROR") });
  const heartbeats: unknown[] = [];
  environment.on("heartbeat", (detail: unknown) => heartbeats.push(detail));
  return { result: environment.run(activity, input), heartbeats, cancel: () => environment.cancel() };
}
