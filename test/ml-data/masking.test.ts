import { join } from "node:path";
import { ApplicationFailure } from "@temporalio/common";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEvaluateActivity } from "../../activities/evaluate.ts";
import { createFeaturizeActivity } from "../../activities/featurize.ts";
import { recommend } from "../../activities/gate/recommendation.ts";
import { createIngestActivity } from "../../activities/ingest.ts";
import { createTrainActivity } from "../../activities/train.ts";
import { createValidateActivity } from "../../activities/validate.ts";
import type { FeatureChecks } from "../../domain/data-finding.ts";
import type { DataDifference, DataProfile } from "../../domain/data-profile.ts";
import { checksInWords, dataDifferenceInWords, featureOriginsInWords } from "../../domain/data-words.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { driftInWords } from "../../domain/drift-words.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { Digest } from "../../domain/ids.ts";
import type { EvaluateInput, FeatureSpec, FeaturizeResult, ValidationReport } from "../../domain/stage-results.ts";
import { compareWindow } from "../../ml/drift/compare-window.ts";
import { createInputCheck } from "../../ml/drift/input-check.ts";
import { buildReferenceProfile } from "../../ml/drift/reference-profile.ts";
import { readTrainingData } from "../../ml/trainers/training-data.ts";
import { startActivity } from "../ml-models/flight-artifacts.ts";
import { rootAt } from "../setup/root-at.ts";
import { readExample } from "./example.ts";
import { createWorkbench, type Workbench } from "./workbench.ts";

/**
 * Each way that a contract has to call a column sensitive, with a value in it that stands nowhere else: whatever people,
 * records and messages are shown must hold none of them. Artifacts that are the data, and cannot do without its
 * values, are excepted: the frozen files, the tables of features, the model, and the reference profile of monitoring.
 */
const markings = {
  illness: { classification: "phi" },
  mail: { tags: ["pii"] },
  phone: { encryptedName: "phone_aes" },
  pin: { customProperties: [{ property: "sensitive", value: true }] },
};
/** `canary-…` in the texts, 777101 to 777104 in the numbers, also as evaluations round them and charts write them. */
const planted = /canary|(?<![\d.a-f])777,?10\d(?![\da-f])/i;

/** Texts and numbers anywhere in a value that show what was planted. */
function found(value: unknown): string[] {
  if (typeof value === "string") return planted.test(value) ? [value] : [];
  if (typeof value === "number") return value > 777_099 && value < 777_110 ? [String(value)] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => [
    ...(planted.test(name) ? [name] : []),
    ...found(one).map((what) => `${name}: ${what}`),
  ]);
}

let bench: Workbench;
let open: Passage;
let masked: Passage;
beforeAll(async () => {
  bench = await createWorkbench();
  const letter = (by: number) => `chr(97 + ((n * ${by}) % 4)::INTEGER)`;
  await bench.writeTable(
    "people.csv",
    `SELECT n AS id, 'canary-illness-' || ${letter(1)} AS illness, 'canary-mail-' || ${letter(3)} AS mail,
     'canary-phone-' || chr(97 + (hash(n) % 3)::INTEGER) AS phone, 777101 + (hash(n * 7) % 4)::INTEGER AS pin,
     hash(n * 11) % 1000 AS amount, hash(n * 13) % 100 < 20 + 15 * (n % 4) AS outcome FROM range(900) t(n)`,
  );
  open = await pass({ marked: false, before: null });
  // Against data whose values were still told: the difference must not bring them back.
  masked = await pass({ marked: true, before: open.profile });
}, 120_000);
afterAll(() => bench.remove());

/** Rules that fail and so are told with examples. */
function contractOf({ marked, severity }: { marked: boolean; severity: "warning" | "error" }) {
  const quality = (rule: object) => [{ mustBe: 0, severity, ...rule }];
  const broken: Record<string, object> = {
    illness: { quality: quality({ metric: "invalidValues", arguments: { validValues: ["none"] } }) },
    mail: { quality: quality({ metric: "duplicateValues" }) },
    phone: { quality: quality({ metric: "invalidValues", arguments: { pattern: "^\\+" } }) },
    pin: { logicalType: "integer", quality: quality({ type: "sql", query: "SELECT max({property}) FROM {object}" }) },
  };
  const properties: object[] = Object.entries(markings).map(([name, marking]) => ({
    name,
    ...broken[name],
    ...(marked ? marking : {}),
  }));
  properties.push({ name: "amount", logicalType: "integer" }, { name: "outcome", logicalType: "boolean" });
  return {
    apiVersion: "v3.1.0",
    kind: "DataContract",
    schema: [{ name: "people", properties, quality: quality({ type: "sql", query: "SELECT min(pin) FROM people" }) }],
  };
}

async function definitionOf(marked: boolean): Promise<ResolvedDefinition> {
  const example = await readExample("credit-risk");
  return {
    ...example,
    data: { rows: "people", sources: { people: { files: "people.csv" } } },
    contract: contractOf({ marked, severity: "warning" }),
    features: {
      request: { illness: "string", mail: "string", phone: "string", pin: "integer", amount: "number" },
      lookups: [],
      // Names that say nothing of where a value comes from, in each way that SQL has to give one.
      sql: `WITH r AS (SELECT * REPLACE (mail AS amount), amount AS spent FROM request)
        SELECT row_id, upper(illness) AS a, CAST(amount AS VARCHAR) AS b, struct_extract(r, 'phone') AS c, pin::FLOAT AS d, spent::FLOAT AS e FROM r`,
    },
    label: { name: "positive", sql: "outcome" },
    split: { by: "random", holdout: 0.3 },
    train: { ...example.train, trainer: "baseline", parameters: {} },
    evaluate: {
      thresholds: { auc: { pass: 0.99, fail: 0.1 } },
      protected: ["illness", "mail", "phone", "pin"],
      bootstrapRounds: 50,
      judgeBy: "value",
    },
  };
}

interface Passage {
  profile: DataProfile;
  report: ValidationReport;
  evaluation: Evaluation;
  features: FeaturizeResult;
  spec: FeatureSpec;
  /** Everything that is told of a release, by what it is. */
  told: Record<string, unknown>;
}

/** A release without the engine around it: each stage as its worker runs it, and what a gate composes of their results. */
async function pass({ marked, before }: { marked: boolean; before: DataProfile | null }): Promise<Passage> {
  const { store } = bench;
  const definition = await store.putJson(await definitionOf(marked));
  const context = { model: "m", release: "m.2", definition, parameters: {} };
  const kept = before === null ? null : await store.putJson(before);
  const championData = async () => (kept === null ? null : { version: "m.1", profile: kept });
  const ingest = createIngestActivity({ store, dataRoot: rootAt(bench.dataRoot), championData });
  const ingested = await startActivity(ingest, context).result;
  const { dataset } = ingested;
  const validated = await startActivity(createValidateActivity({ store }), { ...context, dataset }).result;
  const features = await startActivity(createFeaturizeActivity({ store }), { ...context, dataset }).result;
  const train = createTrainActivity({ store, jobsDirectory: join(bench.dataRoot, "..", "jobs") });
  const trained = await startActivity(train, { ...context, spec: features.spec, train: features.train }).result;
  const candidate = { onnx: trained.model, features: features.spec };
  const input: EvaluateInput = { ...context, holdout: features, candidate, champion: { version: "m.1", ...candidate } };
  const evaluated = await startActivity(createEvaluateActivity({ store }), input).result;
  const evaluation = await store.getJson<Evaluation>(evaluated.evaluation);
  const checks = await store.getJson<FeatureChecks>(features.checks ?? "sha256:");
  const profile = await store.getJson<DataProfile>(ingested.profile ?? "sha256:");
  const report = await store.getJson<ValidationReport>(validated.report);
  const difference = ingested.difference === undefined ? null : await store.getJson<DataDifference>(ingested.difference);
  const text = async (digest: Digest) => Buffer.from(await store.get(digest)).toString();
  const stages = [ingested, validated, features, trained, evaluated];
  const told = {
    stages,
    profile,
    difference,
    report,
    checks,
    log: await text(trained.log),
    evaluation,
    charts: await Promise.all((evaluation.charts ?? []).map(({ svg }) => text(svg))),
    gate: {
      recommendation: recommend(
        evaluation,
        stages.map(({ summary }) => ({ stage: "evaluate" as const, summary })),
      ),
      details: [
        ...(difference === null ? [] : dataDifferenceInWords(difference)),
        ...checksInWords(checks),
        ...featureOriginsInWords(checks),
      ],
    },
  };
  return { profile, report, evaluation, features, spec: await store.getJson<FeatureSpec>(features.spec), told };
}

describe("values of sensitive columns", () => {
  test("stand in profile, report and evaluation where the contract does not call them sensitive: this test can see them", () => {
    for (const name of Object.keys(markings)) {
      const { columns = [] } = open.profile.sources["people"] ?? {};
      expect(found(columns.find((column) => column.name === name)?.top), name).not.toEqual([]);
      expect(found(open.evaluation.fairness?.find(({ attribute }) => attribute === name)?.groups), name).not.toEqual([]);
    }
    expect(found(open.report.rules).length).toBeGreaterThan(5);
    expect(found(open.evaluation.slices)).not.toEqual([]);
    expect(found(open.told["charts"])).not.toEqual([]);
    const { explanation } = open.evaluation;
    if (explanation?.method === "none" || !explanation) throw new Error("The model is not explained.");
    for (const feature of ["a", "b", "c", "d"]) {
      expect(found(explanation.features.find((one) => one.feature === feature)?.effects), feature).not.toEqual([]);
      const contributions = explanation.examples.flatMap((one) => one.contributions.filter((it) => it.feature === feature));
      expect(found(contributions), feature).not.toEqual([]);
    }
  });

  test("stand in nothing that is told of a release whose contract does", () => {
    for (const [what, value] of Object.entries(masked.told)) expect(found(value), what).toEqual([]);
  });

  test("leave what is told without them: groups by number, effects by feature, counts by rule", () => {
    const { fairness = [], slices, explanation, flips } = masked.evaluation;
    expect(fairness.map(({ attribute, groups }) => [attribute, groups[0]?.group])).toEqual(
      Object.keys(markings).map((name) => [name, "(masked) 1"]),
    );
    expect(slices?.rows.some(({ slice }) => slice.includes("(masked)"))).toBe(true);
    expect(flips).toMatchObject({ share: 0 });
    if (explanation?.method === "none" || !explanation) throw new Error("The model is not explained.");
    const effects = explanation.features.map(({ feature, effects: told }) => [feature, told.length > 0]);
    expect(Object.fromEntries(effects)).toEqual({ a: false, b: false, c: false, d: false, e: true });
    expect(
      masked.report.rules.filter(({ outcome }) => outcome === "fail").map(({ column, failing }) => [column, failing]),
    ).toEqual([
      ["illness", 900],
      ["mail", 896],
      ["phone", 900],
      ["pin", 900],
      [null, 900],
    ]);
  });

  test("are masked in every feature where it is not known of what each is made", async () => {
    const { store } = bench;
    const definition = await store.putJson(await definitionOf(true));
    const { checks: _, ...holdout } = masked.features;
    const train = createTrainActivity({ store, jobsDirectory: join(bench.dataRoot, "..", "jobs") });
    const context = { model: "m", release: "m.3", definition, parameters: {} };
    const { model } = await startActivity(train, { ...context, spec: holdout.spec, train: holdout.train }).result;
    const input: EvaluateInput = { ...context, holdout, candidate: { onnx: model, features: holdout.spec }, champion: null };
    const { evaluation } = await startActivity(createEvaluateActivity({ store }), input).result;
    const { explanation } = await store.getJson<Evaluation>(evaluation);
    expect(explanation?.method === "none" ? explanation : explanation?.features.map(({ effects }) => effects)).toEqual([
      [],
      [],
      [],
      [],
      [],
    ]);
    expect(found(explanation)).toEqual([]);
  });

  test("stand neither in the failure nor in the log of a broken contract, which has them of the columns that may be read", async () => {
    const { store } = bench;
    const broken = async (marked: boolean) => {
      const whole = await definitionOf(marked);
      const definition = await store.putJson({ ...whole, contract: contractOf({ marked, severity: "error" }) });
      const context = { model: "m", release: "m.4", definition, parameters: {} };
      const ingest = createIngestActivity({ store, dataRoot: rootAt(bench.dataRoot) });
      const { dataset } = await startActivity(ingest, context).result;
      const validate = createValidateActivity({ store });
      const failure = await startActivity(validate, { ...context, dataset }).result.catch((error: unknown) => error);
      if (!(failure instanceof ApplicationFailure)) throw new Error("It kept its contract.", { cause: failure });
      // The activity's own detail: digests of the report and of the log.
      const [{ extra }] = failure.details as [{ extra: { report: Digest; log: Digest } }];
      return {
        failure: [failure.message, failure.details],
        kept: [await store.getJson(extra.report), Buffer.from(await store.get(extra.log)).toString()],
      };
    };
    const [shown, hidden] = [await broken(false), await broken(true)];
    expect(found(shown.failure)).toEqual([]);
    expect(found(shown.kept).length).toBeGreaterThan(5);
    expect(found(hidden)).toEqual([]);
  });

  test("stand in the reference profile of monitoring, which compares by them, and not in what a window tells", async () => {
    const { spec, features } = masked;
    const path = await bench.store.pathOf(features.train);
    const { columns } = await readTrainingData({ path, features: spec.features, label: null });
    const rows = features.trainRows;
    const profile = buildReferenceProfile({ version: "m.2", columns, scores: new Float32Array(rows).fill(0.5) });
    expect(found(profile)).not.toEqual([]);
    const others = Object.fromEntries(
      Object.entries(columns).map(([name, column]) => [
        name,
        column instanceof Float32Array ? column.map((value) => value + 1) : column.map((value) => `${value}-canary-new`),
      ]),
    );
    const window = compareWindow({
      profile,
      columns: others,
      scores: new Float32Array(rows).fill(0.9),
      limits: { warn: 0.1, alert: 0.25 },
      minimumRows: 100,
    });
    expect(window.verdict).toBe("drift");
    const served = Object.entries(others).map(([name, values]) => ({ name, values }));
    const warnings = createInputCheck(profile.columns)(served, 0);
    expect(warnings.map(({ column }) => column)).toEqual(expect.arrayContaining(["a", "b", "c"]));
    expect(found([window, window.columns.map(driftInWords), warnings])).toEqual([]);
  });
});
