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
import { wrongRows } from "./feature-columns.ts";
import { labelColumn, labelSpec } from "./label-spec.ts";
import { type Split, splitRows } from "./split-rows.ts";

/** Zstandard packs best of what Parquet readers know; one writer thread and a total order make equal bytes of equal rows. */
export const parquet = "(FORMAT parquet, COMPRESSION zstd)";

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
  const db = await openDuckDb({ scratch, signal: tools.signal, threads: 1 });
  try {
    await db.run(`CREATE VIEW rows AS SELECT * FROM read_parquet(${quoteText(files.labelled)})`);
    await db.run(`CREATE VIEW features AS SELECT * FROM read_parquet(${quoteText(files.features)})`);
    await checkRows(db);
    const label = await labelSpec(db, place.task);
    await db.run(
      `CREATE VIEW labelled AS SELECT row_id, "labelled at" AS time, "labelled group" AS grp, ${labelColumn(label, "label")} AS label FROM rows`,
    );
    const time = definition.data.sources[manifest.rows]?.time;
    const split = await splitRows(db, definition.split, { seed: input.seed, time, label });
    const columns = spec.features.map(({ name }) => `f.${quoteName(name)}`);
    const request = Object.keys(spec.request).map((name) => `r.${quoteName(name)}`);
    const written = (name: string) => join(scratch, `${name}.parquet`);
    const write = async (name: string, select: string[], held: boolean): Promise<void> => {
      const rows = `(SELECT * FROM labelled WHERE ${held ? "" : "NOT "}${split.holdout}) AS l`;
      await db.run(
        `COPY (SELECT l.row_id, ${select.join(", ")}, l.label FROM ${rows} JOIN features AS f ON f.row_id = l.row_id JOIN rows AS r ON r.row_id = l.row_id ORDER BY l.row_id) TO ${quoteText(written(name))} ${parquet}`,
      );
    };
    const table = async (name: string, select: string[], held: boolean): Promise<Digest> => {
      await write(name, select, held);
      return (await store.putFile(written(name))).digest;
    };
    const tables = {
      train: await table("train", columns, false),
      holdout: await table("holdout", columns, true),
      // When the rows happened, for the evaluation's windows of time; a model never sees it.
      holdoutRequests: await table("holdout-requests", [...request, `r."labelled at"`], true),
    };
    await write("train-requests", request, false);
    tools.progress("looking at what the features tell");
    for (const [name, file] of [
      ["train", "train"],
      ["held", "holdout"],
      ["requests", "train-requests"],
      ["held_requests", "holdout-requests"],
    ] as const)
      await db.run(
        `CREATE VIEW ${name} AS SELECT COLUMNS(name -> name <> 'labelled at') FROM read_parquet(${quoteText(written(file))})`,
      );
    const checks = await checkFeatures(db, { spec, label, seed: input.seed, ...place.found });
    return { ...tables, split, label, checks };
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
