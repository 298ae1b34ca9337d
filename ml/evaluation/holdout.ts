import { join } from "node:path";
import type { FeatureChecks } from "../../domain/data-finding.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest } from "../../domain/ids.ts";
import type { EvaluateInput, FeatureSpec } from "../../domain/stage-results.ts";
import { fitsRequest } from "../../domain/request-types.ts";
import type { LabelSpec } from "../../domain/task.ts";
import { type ArtifactAccess, verifiedPath } from "../artifact-access.ts";
import { openDuckDb, quoteName, quoteText } from "../duckdb.ts";
import { createFeatureEngine } from "../features/compute-features.ts";
import { createScorer } from "../onnx/scorer.ts";
import { withScratch } from "../scratch.ts";
import type { StageTools } from "../stage-tools.ts";
import {
  columnsByName,
  type Feature,
  type FeatureColumns,
  type LabelledData,
  readTrainingData,
} from "../trainers/training-data.ts";
import { type RequestColumn, readConditions, readRequestColumns } from "./groupings.ts";
import { maskedFeatures } from "./masked.ts";
import type { Answers } from "./model-answers.ts";

/** The artifact store as the evaluation needs it. */
export interface EvaluationStore extends ArtifactAccess {
  get(digest: Digest): Promise<Uint8Array>;
}

type ModelDigests = EvaluateInput["candidate"];

export interface Holdout {
  spec: FeatureSpec;
  label: LabelSpec;
  data: LabelledData;
}

export const labelOf = (spec: FeatureSpec): LabelSpec => spec.label ?? { task: "binary" };

/** Features and label of the held-out rows, by row_id. Throws `evaluation-failed` where a label is none of its task's. */
export async function readHoldout(store: EvaluationStore, { holdout, candidate }: EvaluateInput): Promise<Holdout> {
  const spec = await store.getJson<FeatureSpec>(candidate.features);
  const path = await verifiedPath(store, holdout.holdout);
  return { spec, label: labelOf(spec), data: await readLabelled(path, spec) };
}

async function readLabelled(path: string, spec: FeatureSpec): Promise<LabelledData> {
  try {
    return await readTrainingData({ path, features: spec.features, label: "label", task: spec.label, orderBy: "row_id" });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CountersignError("evaluation-failed", `The held-out rows cannot be evaluated: ${error.message}`, { cause: error });
  }
}

export interface LoadedModel {
  spec: FeatureSpec;
  score(columns: FeatureColumns): Promise<Answers>;
  bytes: Uint8Array;
  close(): Promise<void>;
}

export async function loadModel(store: EvaluationStore, model: ModelDigests): Promise<LoadedModel> {
  const spec = await store.getJson<FeatureSpec>(model.features);
  const bytes = await store.get(model.onnx);
  const scorer = await createScorer({ bytes, features: spec.features, label: spec.label });
  return { spec, bytes, score: (columns) => scorer.scoreAll(columns), close: () => scorer.close() };
}

export async function scoreOnce(store: EvaluationStore, model: ModelDigests, columns: FeatureColumns): Promise<Answers> {
  const loaded = await loadModel(store, model);
  try {
    return await loaded.score(columns);
  } finally {
    await loaded.close();
  }
}

/**
 * The champion on the same rows. It may have other features: they are made anew, by its own SQL and
 * lookups, from the same requests. Null where there is none, or where it predicts something else (`unlike` says so).
 */
export async function scoreChampion(
  store: EvaluationStore,
  { input, holdout }: { input: EvaluateInput; holdout: Holdout },
  tools: StageTools,
): Promise<{ answers: Answers | null; unlike: string | null }> {
  const { champion } = input;
  if (champion === null) return { answers: null, unlike: null };
  tools.progress(`scoring the champion ${champion.version}`);
  const spec = await store.getJson<FeatureSpec>(champion.features);
  if (JSON.stringify(labelOf(spec)) !== JSON.stringify(holdout.label))
    return {
      answers: null,
      unlike: `The champion ${champion.version} predicts something else (${labelInWords(labelOf(spec))}): the two cannot be compared.`,
    };
  const retyped = retypedColumn(spec.request, holdout.spec.request);
  if (retyped !== null)
    return { answers: null, unlike: `The champion ${champion.version} takes ${retyped}: the two cannot be compared.` };
  if (champion.features === input.candidate.features)
    return { answers: await scoreOnce(store, champion, holdout.data.columns), unlike: null };
  await refuseOtherRows(store, input);
  const engine = await createFeatureEngine({ store, spec });
  try {
    const { rows, columns } = await engine.computeFromParquet(input.holdout.holdoutRequests, tools.signal);
    if (rows !== holdout.data.rows) throw otherRows(champion.version);
    return { answers: await scoreOnce(store, champion, columnsByName(columns)), unlike: null };
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== "feature-sql") throw error;
    throw new CountersignError(
      "evaluation-failed",
      `The champion ${champion.version} cannot be scored on the new data: ${error.message}`,
      { cause: error },
    );
  } finally {
    await engine.close();
  }
}

/** The first request column whose values would not be the same in the type that the champion reads; null without one. */
function retypedColumn(champion: FeatureSpec["request"], candidate: FeatureSpec["request"]): string | null {
  const found = Object.entries(champion).find(([name, type]) => {
    const now = candidate[name];
    return now !== undefined && !fitsRequest(now, type);
  });
  return found === undefined ? null : `${found[0]} as ${found[1]}, and the candidate as ${candidate[found[0]] ?? ""}`;
}

function labelInWords(label: LabelSpec): string {
  return label.task === "multiclass" ? `the classes ${label.classes.join(", ")}` : label.task;
}

function otherRows(champion: string): CountersignError {
  return new CountersignError(
    "evaluation-failed",
    `The champion ${champion} was given other rows, or labels, than the candidate.`,
  );
}

/** Both tables must hold the same rows with the same labels. */
async function refuseOtherRows(store: EvaluationStore, { holdout, champion }: EvaluateInput): Promise<void> {
  const db = await openDuckDb({ threads: 1 });
  try {
    const [rows, requests] = [await verifiedPath(store, holdout.holdout), await verifiedPath(store, holdout.holdoutRequests)];
    const [found] = await db.rows(
      `SELECT count(*) AS n FROM (SELECT row_id, label FROM read_parquet(${quoteText(rows)})) AS a FULL JOIN (SELECT row_id, label FROM read_parquet(${quoteText(requests)})) AS b USING (row_id) WHERE a.label IS DISTINCT FROM b.label`,
    );
    if (Number(found?.["n"]) > 0 && champion !== null) throw otherRows(champion.version);
  } finally {
    db.close();
  }
}

export interface RequestTable {
  request: RequestColumn[];
  times: { by: string; values: Float64Array } | null;
  conditions: { slice: string; mask: Uint8Array }[];
}

/** The column in which featurize keeps when a row happened. */
const momentColumn = "labelled at";

/** The request columns of the held-out rows, when they happened, and which of them meet the definition's conditions. */
export async function readRequests(
  store: EvaluationStore,
  { input, definition, spec }: { input: EvaluateInput; definition: ResolvedDefinition; spec: FeatureSpec },
  { signal }: StageTools,
): Promise<RequestTable> {
  const path = await verifiedPath(store, input.holdout.holdoutRequests);
  const time = definition.data.sources[definition.data.rows]?.time;
  const known = await columnNames(path);
  const own = known.includes(momentColumn) ? { [momentColumn]: "timestamp" as const } : {};
  const request = await readRequestColumns(path, { ...spec.request, ...own }, signal);
  const moment = request.find(({ name }) => name === momentColumn) ?? request.find(({ name }) => name === time);
  const stated = (definition.evaluate.slices ?? []).flatMap((slice) => (typeof slice === "string" ? [] : [slice]));
  const conditions = stated.length === 0 ? [] : await readConditions(path, stated, signal);
  return {
    request: request.filter(({ name }) => name !== momentColumn),
    times: moment?.kind === "moment" ? { by: time ?? moment.name, values: moment.values } : null,
    conditions: conditions.map(({ name, mask }) => ({ slice: name, mask })),
  };
}

async function columnNames(path: string): Promise<string[]> {
  const db = await openDuckDb({ threads: 1 });
  try {
    return (await db.rows(`DESCRIBE SELECT * FROM read_parquet(${quoteText(path)})`)).map((row) => String(row["column_name"]));
  } finally {
    db.close();
  }
}

/** Features that are made of what the contract calls sensitive: all of them where their origins were not kept, as in releases of before. */
export async function featuresToMask(
  store: EvaluationStore,
  { holdout, candidate }: EvaluateInput,
  sensitive: Set<string>,
): Promise<Set<string>> {
  if (sensitive.size === 0) return new Set();
  const { features } = await store.getJson<FeatureSpec>(candidate.features);
  const lineage = holdout.checks === undefined ? {} : (await store.getJson<FeatureChecks>(holdout.checks)).lineage;
  return maskedFeatures(features, { sensitive, lineage });
}

/** What was found of features and rows before the model was made, where a reader of its numbers must know it: leakage, overlap, a label that moved. */
export async function checkNotes(store: EvaluationStore, { holdout }: EvaluateInput): Promise<string[]> {
  if (holdout.checks === undefined) return [];
  const { findings } = await store.getJson<FeatureChecks>(holdout.checks);
  // Values that training never saw are told of the very rows of the evaluation, below.
  const told = findings.filter(({ severity, kind }) => severity === "warning" && kind !== "unseen-category");
  return told.map(({ message }) => `Before training: ${message}${message.endsWith("?") ? "" : "."}`);
}

/** A sentence for each text feature with values that the training rows never had. */
export async function unseenValues(store: EvaluationStore, input: EvaluateInput, features: Feature[]): Promise<string[]> {
  const texts = features.filter(({ type }) => type === "string");
  if (texts.length === 0) return [];
  const [train, holdout] = [await verifiedPath(store, input.holdout.train), await verifiedPath(store, input.holdout.holdout)];
  const db = await openDuckDb({ threads: 1 });
  try {
    const notes: string[] = [];
    for (const { name } of texts) {
      const column = quoteName(name);
      const [found] = await db.rows(
        `SELECT count(*) AS n, count(DISTINCT h.${column}) AS new FROM read_parquet(${quoteText(holdout)}) AS h ANTI JOIN (SELECT DISTINCT ${column} FROM read_parquet(${quoteText(train)})) AS t ON h.${column} IS NOT DISTINCT FROM t.${column}`,
      );
      const rows = Number(found?.["n"]);
      if (rows === 0) continue;
      const share = (100 * rows) / input.holdout.holdoutRows;
      const values = Number(found?.["new"]);
      notes.push(
        values === 0
          ? `${name} is missing in ${rows} held-out rows and never was in training.`
          : `${values === 1 ? "One value" : `${values} values`} of ${name} ${values === 1 ? "was" : "were"} never seen in training: ${share.toFixed(1)} % of the held-out rows.`,
      );
    }
    return notes;
  } finally {
    db.close();
  }
}

/** Training rows that explanations take as what is expected; more add time and no digit. */
const backgroundRows = 20_000;

/** Features of the training rows, or of as many of them by the MD5 of their number, which nothing but the row decides. */
export async function readBackground(
  store: EvaluationStore,
  { holdout }: EvaluateInput,
  features: Feature[],
): Promise<FeatureColumns> {
  const path = await verifiedPath(store, holdout.train);
  if (holdout.trainRows <= backgroundRows) return (await readTrainingData({ path, features, label: null })).columns;
  return withScratch(async (scratch) => {
    const some = join(scratch, "background.parquet");
    const db = await openDuckDb({ threads: 1, scratch });
    try {
      const table = `read_parquet(${quoteText(path)})`;
      await db.run(
        `COPY (SELECT * FROM ${table} SEMI JOIN (SELECT row_id FROM ${table} ORDER BY md5(CAST(row_id AS VARCHAR)), row_id LIMIT ${backgroundRows}) USING (row_id) ORDER BY row_id) TO ${quoteText(some)} (FORMAT parquet)`,
      );
    } finally {
      db.close();
    }
    return (await readTrainingData({ path: some, features, label: null })).columns;
  });
}
