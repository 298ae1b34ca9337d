import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../domain/digest.ts";
import type { GateView } from "../../domain/http/gate-views.ts";
import { historyOf } from "../workflows/recorded.ts";
import { apply, decide, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { putPolicy } from "../world/put-policy.ts";
import { createIntruder } from "../world/temporal-cli.ts";
import { createWorld, type World } from "../world/world.ts";
import { securityRows } from "./table.ts";

/** What a forger can send from Temporal's command line, row by row of docs/security.md; two releases stand for all. */
let world: World;
let intruder: ReturnType<typeof createIntruder>;
/** Waits at its gate, which only an evaluation with reservations calls for. */
let gate: GateView;
/** Is blocked at its first stage: there is neither a version nor an evaluation. */
const early = "early-doors.1";
const late = "late-doors.1";
const tried = new Set<string>();

beforeAll(async () => {
  world = await createWorld();
  intruder = createIntruder(world.namespace);
  await putPolicy(world.db, ({ gates }) => ({
    gates: gates.flatMap((promotion) => [
      { ...promotion, name: "data", after: "validate", when: { driftOpen: true } },
      { ...promotion, when: { verdict: { atLeast: "warn" } } },
    ]),
  }));
  const warned = await smallModel("late-doors", "medium", (definition) => {
    definition.evaluate.thresholds = { auc: { pass: 0.99, fail: 0.3 } };
  });
  const stuck = await smallModel("early-doors", "medium", ({ data }) => {
    for (const source of Object.values(data.sources)) if ("files" in source) source.files = "nowhere/*.csv";
  });
  await Promise.all([apply(world, warned), apply(world, stuck)]);
  const [, waiting] = await Promise.all([
    requestRelease(world, "early-doors").then((release) => untilState(world, release, ["blocked"], 90_000)),
    requestRelease(world, "late-doors").then((release) => untilGate(world, release, 90_000)),
  ]);
  gate = waiting;
}, 120_000);
afterAll(() => world?.stop());

/** Executes an activity by hand; the worker's answer, or what it refused. */
async function execute(activity: string, input?: unknown, queue = "lifecycle") {
  tried.add(activity);
  return intruder.execute(activity, queue, input);
}

/** A command in somebody's name, without control's signature. */
function forged(principal: string, body: { kind: string } & object) {
  const id = `cmd_${randomUUID()}`;
  return { id, principal, groups: ["model-risk"], surface: "api", at: new Date().toISOString(), signature: "A".repeat(86), body };
}

const count = async (table: "approvals" | "deployments" | "contributors" | "gates_not_needed", release: string) => {
  const column = table === "contributors" || table === "gates_not_needed" ? "release_id" : "version_id";
  const rows = await world.db.selectFrom(table).selectAll().execute();
  return rows.filter((row) => (row as Record<string, unknown>)[column] === release).length;
};
const releaseRow = (id: string) => world.db.selectFrom("releases").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
const stagesOf = (id: string) =>
  world.db.selectFrom("release_stages").select(["stage", "state", "result"]).where("release_id", "=", id).execute();

describe("before a release has its facts", () => {
  it("a conditional gate cannot be frozen, so that it is not found unnecessary", async () => {
    const answer = await execute("freezeGate", { release: early, gate: "promotion" });
    expect(answer.text).toContain("comes after the stage evaluate");
    expect(await count("gates_not_needed", early)).toBe(0);
  });

  it("neither the policy nor a deployment goes ahead without evaluation and version", async () => {
    expect((await execute("approveByPolicy", { release: early })).ok).toBe(false);
    expect((await execute("deploy", { release: early })).text).toContain("has made no version");
    expect([await count("approvals", early), await count("deployments", early)]).toEqual([0, 0]);
  });

  it("nobody is made a contributor by a skip in her name", async () => {
    const skip = await execute("skipStage", { release: early, stage: "monitor", by: "grace", reason: "forged" });
    expect(skip.text).toContain("Nobody asked to skip");
    const contributors = await world.db
      .selectFrom("contributors")
      .select("principal_id")
      .where("release_id", "=", early)
      .execute();
    expect(contributors.map((row) => row.principal_id)).not.toContain("grace");
  });

  it("a stage does not end by a result that no worker gave", async () => {
    const result = { summary: "All is well.", dataset: digestOf("x"), rows: 1, files: 1, bytes: 1, seal: "A".repeat(43) };
    const ended = await execute("endStage", { release: early, stage: "ingest", attempts: 1, result });
    expect(ended.text).toContain("carries no seal");
    expect((await stagesOf(early)).map((row) => row.state)).toEqual(["failed"]);
  });

  it("a blocked release stays blocked, as what blocked it", async () => {
    const before = await releaseRow(early);
    await execute("beginStage", { release: early, stage: "train" });
    const cause = { stage: "ingest", code: "x", message: "Send money.", cure: "", faults: [], logTail: null, skippable: false };
    await execute("blockRelease", { release: early, cause, log: null });
    await execute("startRelease", { release: early, runId: "forged" });
    await execute("endRelease", { release: early, outcome: "rejected", next: null, summary: "grace said no" });
    expect(await releaseRow(early)).toEqual(before);
  });
});

describe("a version that waits at its gate", () => {
  it("does not take another evaluation, nor another model's training", async () => {
    const [version, stages] = await Promise.all([
      world.db.selectFrom("versions").selectAll().where("id", "=", late).executeTakeFirstOrThrow(),
      stagesOf(late),
    ]);
    const resultOf = (stage: string) => stages.find((row) => row.stage === stage)?.result ?? {};
    const better = { ...version.evaluation, verdict: "pass" };
    const evaluation = await world.store.putJson(better);
    const forgedResult = { ...resultOf("evaluate"), verdict: "pass", evaluation };
    expect((await execute("recordEvaluation", { release: late, evaluation: forgedResult })).text).toContain("another evaluation");
    await execute("beginStage", { release: late, stage: "evaluate" });
    const ended = await execute("endStage", { release: late, stage: "evaluate", attempts: 1, result: forgedResult });
    expect(ended.text).toContain("carries no seal");
    const made = {
      release: late,
      dataset: resultOf("ingest")["dataset"],
      featurized: resultOf("featurize"),
      trained: { ...resultOf("train"), model: evaluation },
    };
    expect((await execute("recordVersion", made)).text).toContain("other bytes");
    const after = await world.db.selectFrom("versions").selectAll().where("id", "=", late).executeTakeFirstOrThrow();
    expect(after).toEqual(version);
    // What the stage truly gave is recorded again: its seal is good for this.
    const again = { release: late, stage: "evaluate", attempts: 1, result: resultOf("evaluate") };
    expect((await execute("endStage", again)).text).not.toContain("no seal");
  });

  it("a stage that somebody asks by hand gives what is good for those questions, and for no release", async () => {
    const { definition_digest: definition } = await releaseRow(late);
    const asked = { model: "late-doors", release: late, definition, parameters: { months: 1 } };
    const ingested = await execute("ingest", asked, "stages");
    expect(ingested.ok).toBe(true);
    await execute("beginStage", { release: late, stage: "ingest" });
    const result: unknown = JSON.parse(ingested.text.slice(ingested.text.indexOf("{"), ingested.text.lastIndexOf("}") + 1));
    const ended = await execute("endStage", { release: late, stage: "ingest", attempts: 1, result });
    expect(ended.text).toContain("carries no seal");
  });

  it("is watched by nothing but its own tables", async () => {
    const { definition_digest: definition } = await releaseRow(late);
    const other = digestOf("another table");
    const tables = { train: other, spec: other, holdout: other, onnx: other };
    const input = { model: "late-doors", release: late, definition, parameters: {}, version: late, environment: "production" };
    expect((await execute("monitor", { ...input, ...tables }, "stages")).text).toContain("not the tables");
    // The scores on another holdout would be what its predictions are compared with.
    const { manifest } = await world.db
      .selectFrom("versions")
      .select("manifest")
      .where("id", "=", late)
      .executeTakeFirstOrThrow();
    const { onnx, features: spec, trainData: train } = manifest;
    const another = { train, spec, onnx, holdout: train };
    expect((await execute("monitor", { ...input, ...another }, "stages")).text).toContain("not the tables");
    expect(await world.db.selectFrom("enrolments").selectAll().execute()).toEqual([]);
  });

  it("is approved by nobody's word, and deployed by nobody's hand", async () => {
    const vote = forged("grace", { kind: "decide", gate: gate.id, decision: "approve", digest: gate.request.digest } as never);
    await execute("closeGate", { gate: gate.id, commands: [vote] });
    await execute("fallDue", { gate: gate.id, due: { kind: "deadline", at: new Date().toISOString(), step: 1 } });
    await execute("renewGate", { gate: gate.id });
    await execute("gateIdTaken", { gate: gate.id });
    await execute("giveUpReview", { gate: gate.id, why: "forged" });
    await execute("askSubjectAnew", { gate: gate.id, why: "forged", taken: false });
    await execute("openGate", { gate: gate.id, runId: "forged" });
    expect((await execute("approveByPolicy", { release: late })).text).toContain("asks people at promotion");
    expect((await execute("deploy", { release: late })).text).toContain("was never approved");
    const row = await world.db.selectFrom("gates").selectAll().where("id", "=", gate.id).executeTakeFirstOrThrow();
    expect(row).toMatchObject({ state: "open", resolution: null, request_digest: gate.request.digest });
    expect([await count("approvals", late), await count("deployments", late)]).toEqual([0, 0]);
  });

  it("commands without control's signature do nothing, and are on record", async () => {
    const before = await releaseRow(late);
    const model = "late-doors";
    const commands: Record<string, object> = {
      applyDefinition: { kind: "apply-definition", model, definition: before.definition_digest },
      changeModelState: { kind: "retire", model, reason: "forged" },
      rollBack: { kind: "rollback", model, environment: "production", to: null, reason: "forged" },
      breakGlass: { kind: "break-glass", model, action: "promote", environment: "production", version: late, reason: "forged" },
      closeFinding: { kind: "close-finding", model, finding: "fnd_1", reason: "forged" },
      unblockRelease: { kind: "unblock", release: early, action: "retry", reason: "forged", parameters: {} },
      withdrawRelease: { kind: "withdraw-release", release: late, reason: "forged" },
      proposePolicy: { kind: "propose-policy", policy: "medium-managed", version: 9, digest: digestOf("x") },
      startReproduction: { kind: "reproduce", version: late },
    };
    for (const [activity, body] of Object.entries(commands))
      expect((await execute(activity, forged("olga", body as never))).text, activity).toContain("not-signed");
    const request = forged("ada", { kind: "request-release", model, reason: "forged", trigger: "api", parameters: {} } as never);
    const created = { model, release: "late-doors.2", number: 2, command: request, parent: null };
    expect((await execute("createRelease", created)).text).toContain("not-signed");
    expect((await execute("foldRequest", { command: request, release: late })).text).toContain("not-signed");
    await execute("endReproduction", { id: "cmd_forged", fault: { code: "x", message: "forged" } });
    await execute("refuseMessage", { workflow: "model/late-doors", message: "x", claimed: "x", why: "noise" });
    const { n } = await world.db
      .selectFrom("audit")
      .select((eb) => eb.fn.countAll<number>().as("n"))
      .where("kind", "=", "message.refused")
      .executeTakeFirstOrThrow();
    expect(Number(n)).toBeGreaterThanOrEqual(12);
    expect(await releaseRow(late)).toEqual(before);
    expect(await world.db.selectFrom("command_results").select("kind").where("command_id", "like", "%forged%").execute()).toEqual(
      [],
    );
  });

  it("a training activity's names lead into its folder of jobs and nowhere else", async () => {
    const { definition_digest: definition } = await releaseRow(late);
    const digest = digestOf("x");
    const job = { model: "late-doors", release: "../../../../outside", definition, parameters: {}, spec: digest, train: digest };
    for (const activity of ["train", "trainAgain", "tryParameters", "prepareJob", "collectJob"]) {
      const more = {
        job: "../x",
        taskQueue: "x",
        durationMs: 1,
        files: null,
        trial: { number: 1, parameters: {}, metric: "auc" },
      };
      expect((await execute(activity, { ...job, ...more }, "train")).text, activity).toContain("is no name");
    }
  });

  it("what is left is for the person who may: she decides, and it is deployed", async () => {
    const decided = await decide(world.as("grace"), gate, { decision: "approve", reason: "I looked at the reservations." });
    expect(decided.body.receipt).toBe("accepted");
    // A stage's result was wiped by hand before: the release is promoted all the same, or blocked where it misses one.
    const { state, outcome } = await untilState(world, late, ["ended", "blocked"]);
    expect([state, outcome]).toEqual(["ended", "promoted"]);
    await historyOf(world, `release/${late}`, "release-gates-looked-at-again");
  });
});

it("what the table says gives a forger nothing was tried", () => {
  const rows = securityRows().filter(({ table, gains }) => table === "activity" && gains.startsWith("nothing"));
  expect(rows.length).toBeGreaterThan(20);
  const left = rows.map(({ name }) => name).filter((name) => !tried.has(name));
  // Tried where their gates are: the external ones in test/conformance.
  expect(left).toEqual([]);
});
