import { randomBytes, randomUUID } from "node:crypto";
import { NativeConnection, Worker, type WorkerOptions } from "@temporalio/worker";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { createMailCarrier } from "../../activities/notify/mail-carrier.ts";
import { createNotifyActivities } from "../../activities/notify/notify-activities.ts";
import { createStageSealer, sealing } from "../../activities/stage-seal.ts";
import type { TaskQueue } from "../../activities/contract.ts";
import { digestOf } from "../../domain/digest.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { GateView } from "../../domain/http/gate-views.ts";
import type { ReleaseView } from "../../domain/http/release-views.ts";
import type { SealedStage, StageQuestions } from "../../domain/stage-seal.ts";
import { temporalAddress, workflowBundle } from "../setup/temporal.ts";
import { apply, decide, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";

/** Workers of somebody who reaches Temporal, without keys and without the database, in place of the product's; queue by queue. */
let world: World;
/** Waits at its gate: what its stages found is what the intruder reads in Temporal's histories. */
let gate: GateView;
const waiting = "rogue-waiting.1";
// On a crowded machine a release takes a minute; by itself it takes a second.
vi.setConfig({ testTimeout: 300_000 });

/** Each is blocked at its stage by the product's own worker; whoever answers there next lets it through, or not. */
const stuckAt: Record<Exclude<SealedStage, "monitor">, (definition: ResolvedDefinition) => void> = {
  ingest: ({ data }) => void (data.sources["applications"] = { files: "nowhere/*.csv" }),
  validate: (definition) => {
    const quality = [{ metric: "rowCount", mustBeGreaterThan: 5_000 }];
    definition.contract = { apiVersion: "v3.1.0", kind: "DataContract", schema: [{ name: "applications", quality }] };
  },
  featurize: (definition) => void (definition.label = { name: "late", sql: "cast(purpose as integer) > 30" }),
  // At its training: the evaluation comes next.
  evaluate: ({ train }) => {
    train.limits.memoryMb = 64;
    train.parameters = { l2: 30 };
  },
};
type Stage = keyof typeof stuckAt;
const stages = Object.keys(stuckAt) as Stage[];
const releaseOf = (stage: Stage) => `rogue-${stage}.1`;

beforeAll(async () => {
  world = await createWorld();
  await apply(world, await smallModel("rogue-waiting", "medium"));
  await Promise.all(stages.map(async (stage) => apply(world, await smallModel(`rogue-${stage}`, "low", stuckAt[stage]))));
  await requestRelease(world, "rogue-waiting");
  await Promise.all(stages.map((stage) => requestRelease(world, `rogue-${stage}`)));
  gate = await untilGate(world, waiting, 150_000);
  for (const stage of stages) {
    const { blocked } = await untilState(world, releaseOf(stage), ["blocked"], 150_000);
    expect(blocked?.stage).toBe(stage === "evaluate" ? "train" : stage);
  }
}, 240_000);
afterAll(() => world?.stop());

/** Polls the queue from now on, while the product's worker of that queue does not run. Gives how to end it. */
async function takeOver(taskQueue: TaskQueue, options: Pick<WorkerOptions, "activities" | "workflowBundle">) {
  if (taskQueue !== "notify") await world.startWorkers({ without: taskQueue });
  const connection = await NativeConnection.connect({ address: temporalAddress() });
  const { namespace } = world;
  const worker = await Worker.create({ connection, namespace, taskQueue, shutdownGraceTime: "1s", ...options });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
    await connection.close();
  };
}

/** What nobody but people and the product's own workers may bring about, of one release. */
async function gained(release: string) {
  const { db } = world;
  const [approvals, deployments, slot, enrolments, version] = await Promise.all([
    db.selectFrom("approvals").select("id").where("version_id", "=", release).execute(),
    db.selectFrom("deployments").select("id").where("version_id", "=", release).execute(),
    db.selectFrom("slots").select("champion_version").where("champion_version", "=", release).executeTakeFirst(),
    db.selectFrom("enrolments").select("model").where("version_id", "=", release).execute(),
    db.selectFrom("versions").select("evaluation").where("id", "=", release).executeTakeFirst(),
  ]);
  return {
    approvals: approvals.length,
    deployments: deployments.length,
    champion: slot !== undefined,
    watched: enrolments.length > 0,
    evaluated: version?.evaluation != null,
  };
}
const nothing = { approvals: 0, deployments: 0, champion: false, watched: false, evaluated: false };

async function timesBlocked(release: string): Promise<number> {
  const rows = world.db.selectFrom("audit").select("seq").where("kind", "=", "release.blocked").where("subject", "=", release);
  return (await rows.execute()).length;
}

/** Olga has the blocked stage done again; gives how it ended, which is blocked once more. */
async function retried(release: string): Promise<ReleaseView> {
  const before = await timesBlocked(release);
  await retry(release);
  await until(`${release} is blocked again`, async () => (await timesBlocked(release)) > before, 150_000);
  return untilState(world, release, ["blocked"]);
}

async function retry(release: string): Promise<void> {
  const again = { action: "retry", reason: "once more", parameters: { limits: { memoryMb: 2_048 } } };
  const { status, body } = await world.as("olga").post(`/api/releases/${release}/unblock`, again);
  if (status >= 300) throw new Error(`${release} was not retried: ${status} ${JSON.stringify(body)}`);
}

/** What a stage of the release that waits found, as its history in Temporal says: under a true seal, for that release. */
async function foundBy(stage: string): Promise<{ summary: string } & Record<string, unknown>> {
  const { result } = await world.db
    .selectFrom("release_stages")
    .select("result")
    .where("release_id", "=", waiting)
    .where("stage", "=", stage as Stage)
    .executeTakeFirstOrThrow();
  // As the stage's activity wrote it.
  return result as { summary: string } & Record<string, unknown>;
}

it("notify: messages that are swallowed stay in the outbox, and nothing is decided by it", async () => {
  const carriers = { email: createMailCarrier({ url: "smtp://127.0.0.1:1", from: "countersign@bank.example" }) };
  const links = { publicUrl: "http://127.0.0.1:4400", temporalUi: null, namespace: world.namespace };
  const defaults = { slack: null, emails: ["model-risk@bank.example"] };
  const product = createNotifyActivities({ db: world.db, carriers, defaults, links });
  const { due } = await product.planMessages();
  expect(due.map(({ subject }) => subject)).toContain(gate.id);
  const swallowed: string[] = [];
  const stop = await takeOver("notify", {
    activities: {
      planMessages: async () => ({ due: swallowed.length === 0 ? due : [], nextMs: null, more: false }),
      deliverMessage: async ({ id }: { id: string }) => {
        swallowed.push(id);
        return { outcome: "delivered" };
      },
    },
  });
  const start = { workflowId: "courier", taskQueue: "lifecycle", signal: "hint" };
  const courier = await world.client.workflow.signalWithStart("courier", start);
  await until("all are swallowed", () => Promise.resolve(swallowed.length === due.length));
  await stop();
  await courier.terminate("by a test");
  const left = await product.planMessages();
  expect(left.due.map(({ id }) => id).toSorted()).toEqual(swallowed.toSorted());
  carriers.email.close();
  expect(await gained(waiting)).toEqual({ ...nothing, evaluated: true });
});

it("stages: what the product's worker refused is let through by no seal, by another key's and by no other release's", async () => {
  const sealer = createStageSealer({ key: randomBytes(32).toString("base64") });
  const asked: Record<Stage, number> = { ingest: 0, validate: 0, featurize: 0, evaluate: 0 };
  async function forging<Of extends Stage>(stage: Of) {
    const replayed = await foundBy(stage);
    const { seal, ...bare } = replayed;
    expect(seal).toEqual(expect.any(String));
    const answers = [
      () => Promise.resolve(bare),
      sealing(sealer, stage, () => Promise.resolve(bare)),
      () => Promise.resolve(replayed),
    ];
    return (question: StageQuestions[Of]) => answers[asked[stage]++ % answers.length]?.(question);
  }
  const activities = Object.fromEntries(await Promise.all(stages.map(async (stage) => [stage, await forging(stage)] as const)));
  const stop = await takeOver("stages", { activities });
  for (let tries = 1; tries <= 3; tries++) {
    const blocked = await Promise.all(stages.map((stage) => retried(releaseOf(stage))));
    expect(blocked.map((release) => [release.blocked?.stage, release.blocked?.code])).toEqual(
      stages.map((stage) => [stage, "result-not-sealed"]),
    );
  }
  await stop();
  expect(asked).toEqual({ ingest: 3, validate: 3, featurize: 3, evaluate: 3 });
  for (const stage of stages) expect(await gained(releaseOf(stage)), stage).toEqual(nothing);
  // The evaluation by the product's own worker is all that was missing.
  await world.startWorkers();
  await retry(releaseOf("evaluate"));
  expect(await untilState(world, releaseOf("evaluate"), ["ended"], 150_000)).toMatchObject({ outcome: "promoted" });
});

it("train: bytes of his own are in no store; what is there is evaluated by the product's worker, and people are asked", async () => {
  await apply(world, await smallModel("rogue-train", "medium"));
  const onnxOf = async (version: string) => {
    const row = world.db.selectFrom("versions").select("manifest").where("id", "=", version);
    return (await row.executeTakeFirstOrThrow()).manifest.onnx;
  };
  const theirs = await onnxOf(waiting);
  const baseline = await onnxOf(releaseOf("evaluate"));
  const named = [digestOf("a model that says yes"), theirs];
  const { files: _, ...claimed } = await foundBy("train");
  const stop = await takeOver("train", {
    activities: {
      planTraining: async () => ({ taskQueue: null, minutes: 1, search: null }),
      train: async () => ({ ...claimed, summary: "The best model there is.", model: named.shift(), baseline }),
    },
  });
  const release = await requestRelease(world, "rogue-train");
  const { blocked } = await untilState(world, release, ["blocked"], 150_000);
  expect([blocked?.stage, blocked?.code]).toEqual(["train", "result-not-sealed"]);
  expect(blocked?.message).toContain("not in the artifact store");
  expect(await gained(release)).toEqual(nothing);
  await retry(release);
  await untilGate(world, release, 150_000);
  await stop();
  expect(await gained(release)).toEqual({ ...nothing, evaluated: true });
  const query = world.db.selectFrom("versions").select(["manifest", "evaluation"]).where("id", "=", release);
  const { manifest, evaluation } = await query.executeTakeFirstOrThrow();
  expect(manifest.onnx).toBe(theirs);
  // He chooses what it is compared with beside the champion, as docs/security.md says.
  expect(evaluation?.baseline).toMatchObject({ sentence: expect.any(String) });
});

it("lifecycle: a rejection that he turns into a promotion approves and deploys nothing, and the watch finds what he ended", async () => {
  const before = await world.db.selectFrom("slots").selectAll().orderBy("model").execute();
  const done: string[] = [];
  const closed = { kind: "closed", resolution: "approved", outcome: null, at: new Date().toISOString() };
  const answers: Record<string, unknown> = {
    closeGate: closed,
    fallDue: closed,
    readGate: { state: "closed", resolution: "approved", changes: null },
    approveByPolicy: { approval: "apr_rogue" },
    deploy: { summary: "It serves.", epoch: 1, environment: "production", version: waiting },
    readRelease: { state: "ended", outcome: "promoted", changes: null },
  };
  const others = ["beginStage", "endStage", "recordEvaluation", "endRelease", "refuseMessage", "blockRelease"];
  const activities = Object.fromEntries(
    [...Object.keys(answers), ...others].map((name) => [
      name,
      async () => {
        done.push(name);
        return answers[name];
      },
    ]),
  );
  // The product's workflows are no secret, and whoever answers for them has to run them.
  const stop = await takeOver("lifecycle", { activities, workflowBundle: workflowBundle() });
  const decided = decide(world.as("grace"), gate, { decision: "reject", reason: "The reservations are too many." });
  const result: unknown = await world.client.workflow.getHandle(`release/${waiting}`).result();
  expect(result, "as Temporal has it").toEqual({ release: waiting, outcome: "promoted" });
  expect(done).toEqual(expect.arrayContaining(["closeGate", "deploy", "endRelease"]));
  // She is not told that it was taken: it is on no record yet.
  expect((await decided).body.receipt).toBe("pending");
  await stop();

  const row = world.db.selectFrom("gates").select(["state", "resolution"]).where("id", "=", gate.id);
  expect(await row.executeTakeFirstOrThrow()).toEqual({ state: "open", resolution: null });
  // The product's own stages worker did as the workflow asked: it keeps a reference for a version that does not serve.
  expect(await gained(waiting)).toEqual({ ...nothing, watched: true, evaluated: true });
  expect(await world.db.selectFrom("slots").selectAll().orderBy("model").execute()).toEqual(before);

  await world.startWorkers();
  // Rows younger than ten seconds may stand for a workflow that is being started.
  const ago = new Date(Date.now() - 60_000);
  await world.db.updateTable("releases").set({ created_at: ago }).where("id", "=", waiting).execute();
  const sweep = { taskQueue: "lifecycle", workflowId: `sweep-${randomUUID()}` };
  expect(await world.client.workflow.execute("monitorSweep", sweep)).toMatchObject({ found: expect.arrayContaining([waiting]) });
  expect(await untilState(world, waiting, ["ended"], 150_000)).toMatchObject({ outcome: "abandoned" });
  expect(await gained(waiting)).toMatchObject({ approvals: 0, deployments: 0, champion: false });
});
