import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { FeatureChecks } from "../../domain/data-finding.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import { createFeaturizeActivity } from "../../activities/featurize.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { buildFeatures } from "../../ml/features/build-features.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { startActivity } from "../ml-models/flight-artifacts.ts";
import { readExample } from "./example.ts";
import type { Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

/** What a test says of a definition; the rest is that of the credits. */
export interface Made {
  files: string;
  request: ResolvedDefinition["features"]["request"];
  sql: string;
  label: { sql: string; task?: "binary" | "multiclass" | "regression" };
  split?: Partial<ResolvedDefinition["split"]>;
  time?: string;
  lookups?: Record<string, { files: string; asOf?: NonNullable<ResolvedDefinition["features"]["asOf"]>[string] }>;
  properties?: object[];
  accept?: NonNullable<ResolvedDefinition["features"]["accept"]>;
}

/** Freezes and featurizes; gives the result, the spec and the checks. */
export async function featurize(bench: Workbench, made: Made) {
  const example = await readExample("credit-risk");
  const lookups = Object.entries(made.lookups ?? {});
  const definition: ResolvedDefinition = {
    ...example,
    data: {
      rows: "t",
      sources: {
        t: { files: made.files, ...(made.time === undefined ? {} : { time: made.time }) },
        ...Object.fromEntries(lookups.map(([name, { files }]) => [name, { files }])),
      },
    },
    contract: { apiVersion: "v3.1.0", kind: "DataContract", schema: [{ name: "t", properties: made.properties ?? [] }] },
    features: {
      request: made.request,
      lookups: lookups.map(([name]) => name),
      asOf: Object.fromEntries(lookups.flatMap(([name, { asOf }]) => (asOf === undefined ? [] : [[name, asOf]]))),
      sql: made.sql,
      ...(made.accept === undefined ? {} : { accept: made.accept }),
    },
    label: { name: "positive", ...made.label },
    split: { by: "random", holdout: 0.25, ...made.split },
  };
  const { manifest } = await freezeDataset(
    { dataRoot: rootAt(bench.dataRoot), store: bench.store, data: definition.data, parameters: {} },
    unwatched,
  );
  const result = await buildFeatures({ store: bench.store, definition, manifest, seed: 7 }, unwatched);
  return {
    result,
    spec: await bench.store.getJson<FeatureSpec>(result.spec),
    checks: await bench.store.getJson<FeatureChecks>(result.checks ?? "sha256:"),
    /** The stage as the engine runs it, which refuses what the checks are certain of. */
    stage: async () => {
      const [pinned, dataset] = [await bench.store.putJson(definition), await bench.store.putJson(manifest)];
      const input = { model: "m", release: "m.1", definition: pinned, parameters: { seed: 7 }, dataset };
      return startActivity(createFeaturizeActivity({ store: bench.store }), input).result;
    },
    /** Answer of a query in which `train` and `held` stand for the tables. */
    ask: async (sql: string) => {
      const [train, held] = [await bench.store.pathOf(result.train), await bench.store.pathOf(result.holdout)];
      return bench.rows(sql.replaceAll("train", `read_parquet('${train}')`).replaceAll("held", `read_parquet('${held}')`));
    },
  };
}
