import { join } from "node:path";
import type { DataFinding, FeatureChecks } from "../../domain/data-finding.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest } from "../../domain/ids.ts";
import type { FeatureSpec } from "../../domain/stage-results.ts";
import type { LabelSpec, Task } from "../../domain/task.ts";
import { type DuckDb, openDuckDb, quoteName, quoteText } from "../duckdb.ts";
import type { StageTools } from "../stage-tools.ts";
import type { FeatureInput } from "./build-features.ts";
import { checkFeatures } from "./feature-checks.ts";
import { labelColumn, labelSpec } from "./label-spec.ts";
import { pairRows } from "./paired-rows.ts";
import { memoryMb, parquet } from "./table-files.ts";
import { type Split, splitRows } from "./split-rows.ts";

export interface Workplace {
  scratch: string;
  files: { labelled: string; features: string };
  tools: StageTools;
}

export interface FeatureTables {
  train: Digest;
  holdout: Digest;
  holdoutRequests: Digest;
  split: Split;
  label: LabelSpec;
  checks: FeatureChecks;
}

/** Divides the computed rows and writes them in the order of their numbers; then looks at what came of it. */
export async function writeTables(
  input: FeatureInput,
  place: Workplace & {
    spec: FeatureSpec;
    task: Task;
    found: { knownLater: DataFinding[]; lineage: Record<string, string[]> };
  },
): Promise<FeatureTables> {
  const { scratch, files, spec, tools } = place;
  const { definition, manifest, store } = input;
  // One thread: with more, where a row group ends depends on who was faster.
  const db = await openDuckDb({ scratch, signal: tools.signal, threads: 1, memoryMb });
  try {
    await pairRows(db, { files, scratch });
    await refuseNoLabel(db);
    const label = await labelSpec(db, place.task);
    const time = definition.data.sources[manifest.rows]?.time;
    const split = await splitRows(db, definition.split, { seed: input.seed, time, label });
    const features = spec.features.map(({ name }) => `f.${quoteName(name)}`);
    const request = Object.keys(spec.request).map((name) => `r.${quoteName(name)}`);
    const chosen = (select: string[], held: boolean) =>
      `SELECT r.row_id, ${select.join(", ")}, ${labelColumn(label, "r.label")} AS label FROM rows AS r POSITIONAL JOIN features AS f WHERE ${held ? "" : "NOT "}${split.holdout}${split.disorders ? " ORDER BY r.row_id" : ""}`;
    const written = (name: string) => join(scratch, `${name}.parquet`);
    const table = async (name: string, rows: string): Promise<Digest> => {
      await db.run(`COPY (${rows}) TO ${quoteText(written(name))} ${parquet}`);
      return (await store.putFile(written(name))).digest;
    };
    const tables = {
      train: await table("train", chosen(features, false)),
      holdout: await table("holdout", chosen(features, true)),
      // When the rows happened, for the evaluation's windows of time; a model never sees it.
      holdoutRequests: await table("holdout-requests", chosen([...request, `r."labelled at"`], true)),
    };
    tools.progress("looking at what the features tell");
    for (const [name, file] of [
      ["train", "train"],
      ["held", "holdout"],
    ] as const)
      await db.run(`CREATE VIEW ${name} AS SELECT * FROM read_parquet(${quoteText(written(file))})`);
    await db.run(`CREATE VIEW requests AS ${chosen(request, false)}`);
    await db.run(`CREATE VIEW held_requests AS ${chosen(request, true)}`);
    const { accept = [] } = definition.features;
    const checks = await checkFeatures(db, { spec, label, accept, ...place.found });
    return { ...tables, split, label, checks };
  } finally {
    db.close();
  }
}

async function refuseNoLabel(db: DuckDb): Promise<void> {
  const [found] = await db.rows("SELECT count(*) AS n FROM rows");
  if (Number(found?.["n"]) > 0) return;
  throw new CountersignError("too-few-rows", "No row has a label: label.sql is null everywhere.", {
    faults: [{ path: "label.sql", message: "is null for every row" }],
  });
}
