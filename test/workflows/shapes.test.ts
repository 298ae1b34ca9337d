import { ApplicationFailure } from "@temporalio/common";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { until } from "../world/until.ts";
import { bundlePlanted, choose, type Plant } from "./planted-bundle.ts";
import { createRecorder, recordAs, type Recorder } from "./recorder.ts";
import { createScripted, digest, pinned, type Answers, type Scripted } from "./scripted.ts";

/**
 * Records the shapes that no flow reaches in a moment: with COUNTERSIGN_RECORD=<name> each history that shows something
 * no recorded one shows is kept. `before` in its name: as code without any patch would have left it.
 */
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const gone = (message: string) => {
  throw ApplicationFailure.nonRetryable(message, "internal");
};
const unpatched: Plant[] = [
  ["monitor-sweep.ts", 'if (!patched("watch-jobs"))', 'if (planted || !patched("watch-jobs"))'],
  ["gate.ts", 'if (patched("close-at-once"))', 'if (!planted && patched("close-at-once"))'],
].map(([file = "", find = "", put = ""]) => ({ name: "before", file, find, put }));

let stand: Scripted;
let recorder: Recorder;
const options = (workflowId: string) => ({ workflowId, taskQueue: "lifecycle" });
const command = (id: string, body: object) => ({
  id,
  principal: "ada",
  groups: [],
  surface: "api",
  at: "",
  signature: "s",
  body,
});
const update = (workflowId: string, name: string, sent: { id: string }) =>
  stand.client.workflow.getHandle(workflowId).executeUpdate(name, { args: [sent], updateId: sent.id });

const keep = (workflowId: string, name: string, runId?: string) => recorder.keep(stand.client, { workflowId, runId, name });

async function calls(workflowId: string, activity: string): Promise<number> {
  // A child may be about to be started.
  const history = await stand.client.workflow
    .getHandle(workflowId)
    .fetchHistory()
    .catch(() => null);
  return (history?.events ?? []).filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === activity)
    .length;
}

const called = (workflowId: string, activity: string, times = 1) =>
  until(`${activity} in ${workflowId}`, async () => (await calls(workflowId, activity)) >= times, 60_000);

/** An open request whose moments come as milliseconds from now. */
function opening(timeline: [string, number][] = []): Answers["openGate"] {
  return () => ({
    kind: "open",
    request: {
      ask: "May it?",
      deciders: { groups: ["g"], quorum: 2 },
      excluded: [],
      deadline: "",
      timeline: timeline.map(([kind, ms]) => ({ kind, step: 1, at: new Date(Date.now() + ms).toISOString() })),
      digest,
      release: null,
      model: "m",
      tier: null,
    },
  });
}

const decision = (gate: string, id: string, by = "ada") => ({
  ...command(id, { kind: "decide", gate, decision: "approve", digest, reason: null }),
  principal: by,
});

const scenarios: Record<string, () => Promise<void>> = {
  async "gate in time"() {
    stand.script({
      openGate: opening([
        ["remind", 300],
        ["escalate", 600],
        ["deadline", 900],
        ["max-age", 1_200],
      ]),
      fallDue: (_input, n) => (n < 4 ? { kind: "open", dropped: [] } : { kind: "closed", resolution: "superseded", at: "" }),
    });
    const gate = await stand.client.workflow.start("gate", { ...options("gate/m.1.g.1"), args: [{ gate: "m.1.g.1", digest }] });
    await gate.result();
    await keep("gate/m.1.g.1", "gate-in-time");
  },
  async "gate with two votes"() {
    stand.script({
      openGate: opening(),
      closeGate: (input) =>
        JSON.stringify(input).includes("zoe")
          ? { kind: "closed", resolution: "approved", at: "" }
          : { kind: "open", dropped: [] },
    });
    const id = "gate/m.1.g.2";
    const gate = await stand.client.workflow.start("gate", { ...options(id), args: [{ gate: "m.1.g.2", digest }] });
    await gate.signal("decide-by-signal", decision("m.1.g.2", "c1"));
    await gate.signal("look");
    await called(id, "readGate");
    await update(id, "withdraw", command("c2", { kind: "withdraw-decision", gate: "m.1.g.2", reason: "no" }));
    await gate.signal("decide-by-signal", { principal: "nobody" });
    await called(id, "refuseMessage");
    await gate.cancel();
    await called(id, "refuseMessage", 2);
    await update(id, "decide", decision("m.1.g.2", "c3", "ben"));
    await update(id, "decide", decision("m.1.g.2", "c4", "zoe"));
    await gate.result();
    await keep(id, "gate-two-votes");
  },
  async "gate whose closing fails"() {
    stand.script({
      openGate: opening(),
      closeGate: (input) =>
        JSON.stringify(input).includes("zoe") ? { kind: "closed", resolution: "approved", at: "" } : gone("a constraint"),
    });
    const id = "gate/m.1.g.3";
    const gate = await stand.client.workflow.start("gate", { ...options(id), args: [{ gate: "m.1.g.3", digest }] });
    await update(id, "decide", decision("m.1.g.3", "c1", "ben"));
    await called(id, "closeGate");
    await until("it waits", async () =>
      ((await gate.fetchHistory()).events ?? []).some((event) => event.timerStartedEventAttributes),
    );
    await update(id, "decide", decision("m.1.g.3", "c2", "zoe"));
    await gate.result();
    await keep(id, "gate-closing-failed");
  },
  async "gate out of date"() {
    stand.script({
      openGate: opening(),
      readGate: () => ({ state: "open", resolution: null, changes: null, stale: "the champion" }),
    });
    const gate = await stand.client.workflow.start("gate", { ...options("gate/m.1.g.4"), args: [{ gate: "m.1.g.4", digest }] });
    await gate.signal("look");
    await gate.result();
    await keep("gate/m.1.g.4", "gate-renewed");
  },
  async "a life"() {
    await stand.client.workflow.start("nothing", { workflowId: "gate/life.retirement.1", taskQueue: "nobody" });
    await stand.client.workflow.start("nothing", { workflowId: "gate/life.break-glass.1", taskQueue: "nobody" });
    const gate = (name: string) => ({ gate: `life.${name}.1`, digest });
    stand.script({
      startRelease: () => ({ ...pinned, skippable: ["ingest"] }),
      ingest: () => gone("no data"),
      unblockRelease: () => ({ ok: true, action: "skip", parameters: {} }),
      changeModelState: (input) =>
        JSON.stringify(input).includes("retire") ? { ok: true, gate: gate("retirement") } : { ok: true },
      reviewsToOpen: () => [gate("break-glass")],
      applyDefinition: () => ({ ok: true, definition: digest, ended: "life.definition.9", gate: null }),
    });
    const id = "model/life";
    const life = await stand.client.workflow.start("lifecycle", { ...options(id), args: [{ model: "life" }] });
    const asked = { kind: "request-release", model: "life", reason: "r", trigger: "api", parameters: {} };
    await update(id, "requestRelease", command("r1", asked));
    await called("release/life.1", "blockRelease");
    await update(id, "requestRelease", command("r2", asked));
    await called(id, "foldRequest");
    for (const [at, kind] of ["pause", "rollback", "close-finding", "apply-definition", "retire", "break-glass"].entries())
      await update(id, "command", command(`k${at}`, { kind, model: "life", finding: "f" }));
    await update(id, "command", command("k7", { kind: "nothing" }));
    await update(id, "command", command("k8", { kind: "withdraw-release", release: "life.1", reason: "r" }));
    await called(id, "askSubjectAnew");
    await called(id, "giveUpReview");
    await life.cancel();
    await called(id, "refuseMessage", 2);
    await update("release/life.1", "command", command("u1", { kind: "unblock", release: "life.1", action: "skip", reason: "r" }));
    await stand.client.workflow.getHandle("release/life.1").result();
    await called(id, "readRelease");
    await keep(id, "lifecycle-all-commands");
    await keep("release/life.1", "release-skipped");
  },
  async "a long life"() {
    stand.script({});
    const id = "model/long";
    const life = await stand.client.workflow.start("lifecycle", { ...options(id), args: [{ model: "long" }] });
    const first = (await life.describe()).runId;
    for (let batch = 0; (await life.describe()).runId === first && batch < 45; batch += 1)
      await Promise.all(
        Array.from({ length: 6 }, (_, at) => update(id, "command", command(`p${batch}-${at}`, { kind: "pause", model: "long" }))),
      );
    await until("the next run", async () => (await life.describe()).runId !== first, 120_000);
    await called(id, "recallModel");
    await keep(id, "lifecycle-continued", first);
    await keep(id, "lifecycle-next-run");
  },
  async "a release that is asked again"() {
    await stand.client.workflow.start("nothing", { workflowId: "gate/again.1.promotion.2", taskQueue: "nobody" });
    const gates = [{ name: "promotion", after: "evaluate", groups: ["g"], quorum: 1 }];
    stand.script({
      startRelease: () => ({ ...pinned, gates }),
      freezeGate: (_input, n) => ({ gate: `again.1.promotion.${n}`, digest, verdict: "pass" }),
      openGate: () => ({ kind: "closed", resolution: "superseded" }),
      gateIdTaken: () => ({ own: true }),
      readGate: (input) => ({
        state: "closed",
        resolution: input["gate"] === "again.1.promotion.1" ? "superseded" : "approved",
        changes: null,
      }),
      deploy: () => ({ summary: "It serves.", epoch: 1, environment: "production", version: "again.1" }),
    });
    const id = "release/again.1";
    await stand.client.workflow.execute("release", { ...options(id), args: [{ release: "again.1", model: "again" }] });
    await keep(id, "release-renewed-and-adopted");
  },
  async "a release that is cancelled at its gate"() {
    const gates = [{ name: "promotion", after: "evaluate", groups: ["g"], quorum: 1 }];
    stand.script({
      startRelease: () => ({ ...pinned, gates }),
      freezeGate: () => ({ gate: "left.1.promotion.1", digest, verdict: "pass" }),
      openGate: opening(),
    });
    const id = "release/left.1";
    const release = await stand.client.workflow.start("release", {
      ...options(id),
      args: [{ release: "left.1", model: "left" }],
    });
    await called("gate/left.1.promotion.1", "openGate");
    await release.cancel();
    await release.result();
    await keep(id, "release-cancelled-at-its-gate");
    await keep("gate/left.1.promotion.1", "gate-of-a-cancelled-release");
  },
  async proposals() {
    stand.script({ proposePolicy: () => ({ ok: true, gate: { gate: "policy.p.1", digest }, ended: "policy.p.9" }) });
    const proposal = await stand.client.workflow.start("proposal", options("proposal/p"));
    await update("proposal/p", "command", command("p", { kind: "propose-policy", policy: "p", version: 1, digest }));
    await proposal.result();
    await keep("proposal/p", "proposal");
    stand.script({});
    await stand.client.workflow.execute("suggestContract", { ...options("suggest/s"), args: [{ data: {}, id: "s" }] });
    await keep("suggest/s", "suggest-contract");
  },
  async "the watch"() {
    stand.script({ lapseConditions: () => gone("no moment"), lookAtPredictions: () => gone("no profile") });
    await stand.client.workflow.execute("monitorSweep", options("monitor-sweep"));
    await stand.client.workflow.getHandle("prediction-watch").result();
    await keep("monitor-sweep", "sweep");
    await keep("prediction-watch", "prediction-watch");
  },
  async retention() {
    stand.script({ forgetRecords: () => gone("no such table") });
    await stand.client.workflow.execute("retention", options("retention"));
    await keep("retention", "retention");
  },
  async "a courier"() {
    stand.script({
      planMessages: (_input, n) => ({
        due: n === 2 ? [{ id: "d", notice: "gate", subject: "s", destination: "c", lane: "l", isPosted: false }] : [],
        nextMs: 60_000,
        more: n > 3 && n < 400,
      }),
      deliverMessage: () => gone("no channel"),
    });
    const courier = await stand.client.workflow.start("courier", options("courier"));
    const first = (await courier.describe()).runId;
    await courier.signal("hint");
    await until("the pause", async () => (await calls("courier", "deliverMessage")) > 0);
    await courier.signal("hint");
    await until("the next run", async () => (await courier.describe()).runId !== first, 200_000);
    await keep("courier", "courier-continued", first);
    await courier.terminate();
  },
};

beforeAll(async () => {
  if (!recordAs) return;
  recorder = await createRecorder();
  stand = await createScripted(choose(await bundlePlanted([]), "none"));
});
afterAll(() => stand?.stop());

test.skipIf(!recordAs).each(Object.keys(scenarios))("the shapes of %s", async (name) => {
  const scenario = scenarios[name];
  expect(scenario).toBeDefined();
  await scenario?.();
});

test.skipIf(!recordAs)("the watch of before, and a gate of before", async () => {
  await stand.stop();
  stand = await createScripted(choose(await bundlePlanted(unpatched), "before"));
  stand.script({});
  await stand.client.workflow.execute("monitorSweep", options("sweep-before"));
  await keep("sweep-before", "sweep-before");
  expect(await calls("sweep-before", "findDeadRuns")).toBe(1);
});
