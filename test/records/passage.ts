import type { FrozenGate } from "../../activities/contract.ts";
import type { GateId, ReleaseId } from "../../domain/ids.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { DecisionCommand } from "../../domain/signed-command.ts";
import type { FeatureSpec, ReleaseParameters } from "../../domain/stage-results.ts";
import { sealedText, type SealedStage, type StageQuestions } from "../../domain/stage-seal.ts";
import { testSealer } from "../world/sealer.ts";
import { exampleDefinition, type Registry } from "./registry.ts";

export const model = "flight-delays";

/** Of a registry, what these need: a whole world has it as well. */
export type Books = Pick<Registry, "db" | "store" | "records" | "sign">;

/** Registers the example's model, as ada does. */
export async function applyExample(registry: Books, change: Partial<ResolvedDefinition> = {}, by = "ada") {
  const definition = await exampleDefinition(change);
  const digest = await registry.store.putJson(definition);
  return registry.records.applyDefinition(
    registry.sign(by, { kind: "apply-definition", model: definition.model, definition: digest }),
  );
}

export async function requestRelease(
  registry: Books,
  number: number,
  more: { by?: string; parameters?: ReleaseParameters } = {},
) {
  const { by = "ada", parameters = {} } = more;
  const command = registry.sign(by, { kind: "request-release", model, reason: "new data", trigger: "cli", parameters });
  const release = `${model}.${number}`;
  return { command, release, pinned: await registry.records.createRelease({ model, release, number, command, parent: null }) };
}

/** Requested, started, and with a version whose artifacts lie in the store: what the stages before the gate leave. */
export async function makeVersion(registry: Books, number: number): Promise<ReleaseId> {
  const { release } = await requestRelease(registry, number);
  await registry.records.startRelease({ release, runId: `run-${number}` });
  await recordVersion(registry, release);
  return release;
}

export async function recordVersion(books: Books, release: ReleaseId) {
  const { records, store } = books;
  const asked = await contextOf(books, release);
  const dataset = await store.putJson({ rows: "flights", sources: {} });
  await leave(books, "ingest", asked, { summary: "Ten rows.", dataset, rows: 10, files: 1, bytes: 100 });
  const report = await store.putJson({ source: "flights", rows: 10, rules: [] });
  const validated = { summary: "They keep it.", verdict: "pass", report, rules: 0, warned: 0 };
  await leave(books, "validate", { ...asked, dataset }, validated);
  const table = await store.put(`lookup of ${release}`);
  const spec: FeatureSpec = {
    sql: "SELECT 1",
    request: { distance: "number" },
    lookups: { planes: { table, rows: 1, asOf: null } },
    features: [{ name: "distance", type: "float" }],
  };
  const featurized = {
    summary: "Two features on ten rows.",
    spec: await store.putJson(spec),
    train: await store.put(`train ${release}`),
    holdout: await store.put(`holdout ${release}`),
    holdoutRequests: await store.put(`requests ${release}`),
    trainRows: 7,
    holdoutRows: 3,
    holdoutFrom: null,
  };
  await leave(books, "featurize", { ...asked, dataset }, featurized);
  const trained = {
    summary: "Trained in no time.",
    model: await store.put(`onnx bytes of ${release}`),
    log: await store.put("log"),
    trainer: "baseline",
    seed: 7,
    parameters: { l2: 1 },
    environment: { node: "24" },
    durationMs: 1234,
    modelBytes: 10,
  };
  await records.beginStage({ release, stage: "train" });
  await records.endStage({ release, stage: "train", attempts: 1, result: trained });
  const version = await records.recordVersion({ release, dataset, featurized, trained });
  const champion = await records.readChampion({ model, environment: asked.environment });
  const body = { ...evaluation(), championVersion: champion?.version ?? null };
  const evaluated = {
    summary: "AUC 0.71 on 3 rows.",
    verdict: body.verdict,
    evaluation: await store.putJson(body),
    headline: body.headline,
    worseThanChampion: false,
  };
  const candidate = { onnx: trained.model, features: featurized.spec };
  await leave(books, "evaluate", { ...asked, holdout: featurized, candidate, champion }, evaluated);
  await records.recordEvaluation({ release, evaluation: evaluated });
  return { dataset, featurized, trained, version, evaluated };
}

export async function contextOf({ db }: Books, release: ReleaseId) {
  const { definition_digest, parameters, body } = await db
    .selectFrom("releases")
    .innerJoin("definitions", (join) =>
      join.onRef("definitions.model", "=", "releases.model").onRef("definitions.digest", "=", "releases.definition_digest"),
    )
    .select(["releases.definition_digest", "releases.parameters", "definitions.body"])
    .where("releases.id", "=", release)
    .executeTakeFirstOrThrow();
  return { model, release, definition: definition_digest, parameters, environment: body.deploy.environment };
}

/** A stage as its worker leaves it: begun, done, and its result under seal. */
export async function leave<Stage extends SealedStage, Result extends { summary: string }>(
  { records }: Pick<Books, "records">,
  stage: Stage,
  asked: StageQuestions[Stage],
  result: Result,
): Promise<void> {
  const { release } = asked;
  await records.beginStage({ release, stage });
  const seal = testSealer.seal(sealedText({ stage, asked, result }));
  const sealed = { ...result, seal };
  await records.endStage({ release, stage, attempts: 1, result: sealed });
}

/** One that passes, as the stage leaves it. */
export function evaluation(): Evaluation {
  const auc = { value: 0.71, low: 0.7, high: 0.72 };
  return {
    rows: 20_000,
    positives: 4_000,
    baseRate: 0.2,
    metrics: [
      { metric: "auc", candidate: auc, champion: null, change: null, threshold: { pass: 0.65, fail: 0.6 }, verdict: "pass" },
    ],
    calibration: [],
    confusion: { truePositive: 1, falsePositive: 1, trueNegative: 1, falseNegative: 0 },
    flips: null,
    bootstrapRounds: 300,
    verdict: "pass",
    headline: { metric: "auc", candidate: auc, champion: null, threshold: 0.65 },
    championVersion: null,
  };
}

export interface OpenGate {
  release: ReleaseId;
  gate: GateId;
  digest: `sha256:${string}`;
}

/** The promotion gate, which the policy of these tests always asks for. */
export async function freeze({ records }: Pick<Books, "records">, release: ReleaseId): Promise<FrozenGate> {
  const frozen = await records.freezeGate({ release, gate: "promotion" });
  if ("notNeeded" in frozen) throw new Error(frozen.notNeeded);
  return frozen;
}

/** A release that waits at its open gate. */
export async function waitAtGate(registry: Books, number: number): Promise<OpenGate> {
  const release = await makeVersion(registry, number);
  const { gate, digest } = await freeze(registry, release);
  await registry.records.openGate({ gate, runId: `gate-run-${number}` });
  return { release, gate, digest };
}

type Decide = Partial<DecisionCommand["body"]>;

/** A signed decision on that gate. */
export function decision(registry: Books, at: OpenGate, by: string, change: Decide = {}): DecisionCommand {
  return registry.sign(by, {
    kind: "decide",
    gate: at.gate,
    decision: "approve",
    digest: at.digest,
    seen: null,
    reason: null,
    returnTo: null,
    parameters: {},
    inputs: {},
    ...change,
  });
}

/** From nothing to champion, approved by grace; the release has ended. */
export async function promote(registry: Books, number: number): Promise<ReleaseId> {
  const at = await waitAtGate(registry, number);
  await registry.records.closeGate({ gate: at.gate, commands: [decision(registry, at, "grace")] });
  await registry.records.deploy({ release: at.release });
  await registry.records.endRelease({ release: at.release, outcome: "promoted", next: null, summary: "It serves." });
  return at.release;
}
