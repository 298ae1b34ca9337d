import { ApplicationFailure } from "@temporalio/common";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BlockedCause } from "../../domain/lifecycle.ts";
import { sealedText } from "../../domain/stage-seal.ts";
import { testSealer } from "../world/sealer.ts";
import { applyExample, contextOf, decision, makeVersion, model, recordVersion, requestRelease, waitAtGate } from "./passage.ts";
import { auditKinds, createRegistry, twice, type Registry } from "./registry.ts";

let registry: Registry;

beforeEach(async () => {
  registry = await createRegistry();
  await applyExample(registry);
});

afterEach(() => registry.stop());

const readRow = (release: string) =>
  registry.db.selectFrom("releases").selectAll().where("id", "=", release).executeTakeFirstOrThrow();

async function contributors(release: string): Promise<string[]> {
  const rows = await registry.db.selectFrom("contributors").selectAll().where("release_id", "=", release).execute();
  return rows.map((row) => `${row.principal_id} ${row.how}`).toSorted();
}

const cause: BlockedCause = {
  stage: "monitor",
  code: "transient",
  message: "The monitor failed.",
  cure: "Retry.",
  faults: [],
  logTail: "the end of a log with a NUL \0 in it",
  skippable: true,
};

async function block(change: Partial<BlockedCause> = {}) {
  const release = await makeVersion(registry, 1);
  const blocked = { ...cause, ...change };
  if (blocked.stage !== "gate") await registry.records.beginStage({ release, stage: blocked.stage });
  await twice(registry.db, () => registry.records.blockRelease({ release, cause: blocked, log: null }));
  return release;
}

test("a request makes one release, pinned, with those who contributed", async () => {
  const { command, release } = await requestRelease(registry, 1, { by: "ben" });
  const pinned = await twice(registry.db, () =>
    registry.records.createRelease({ model, release, number: 1, command, parent: null }),
  );
  expect(pinned).toMatchObject({
    ok: true,
    tier: "medium",
    environment: "production",
    gates: [{ name: "promotion" }],
    skippable: ["monitor"],
  });
  expect(await contributors(release)).toEqual([
    "ada is the named owner of the model",
    "ada last changed the definition",
    "ben requested this release",
  ]);
  expect(await readRow(release)).toMatchObject({
    state: "queued",
    policy_id: "medium-managed",
    policy_version: 1,
    trigger: "cli",
  });
});

test("a token is good for one release: under another number it leads nowhere", async () => {
  const { command } = await requestRelease(registry, 1);
  const again = await registry.records.createRelease({ model, release: `${model}.2`, number: 2, command, parent: null });
  expect(again).toMatchObject({ ok: false, code: "invalid" });
  expect(await registry.db.selectFrom("releases").select("id").execute()).toEqual([{ id: `${model}.1` }]);
});

test.each([
  ["a viewer", "grace", "forbidden"],
  ["somebody unknown", "mallory", "forbidden"],
])("%s gets no release", async (_, by, code) => {
  expect((await requestRelease(registry, 1, { by })).pinned).toMatchObject({ ok: false, code });
  expect(await auditKinds(registry.db, `${model}.1`)).toEqual(["command.refused"]);
});

test("neither a forged request nor no request at all makes a release", async () => {
  const { command } = await requestRelease(registry, 1);
  const forged = { ...command, id: "cmd_forged", principal: "ben" };
  const release = `${model}.2`;
  expect(await registry.records.createRelease({ model, release, number: 2, command: forged, parent: null })).toMatchObject({
    ok: false,
    code: "not-signed",
  });
  expect(
    await twice(registry.db, () => registry.records.createRelease({ model, release, number: 2, command: null, parent: null })),
  ).toMatchObject({ ok: false, code: "not-signed" });
  expect(await auditKinds(registry.db, release)).toEqual(["message.refused", "message.refused"]);
});

test("a queued release takes the newest definition when it starts", async () => {
  const { release, pinned } = await requestRelease(registry, 1);
  await applyExample(registry, { tier: "high" }, "ben");
  const started = await twice(registry.db, () => registry.records.startRelease({ release, runId: "run-1" }));
  expect(started).toMatchObject({ ok: true, tier: "high", skippable: [] });
  expect(started.ok && pinned.ok && started.definition !== pinned.definition).toBe(true);
  expect(await readRow(release)).toMatchObject({ state: "running", policy_id: "high-managed", temporal_run_id: "run-1" });
  expect(await contributors(release)).toContain("ben last changed the definition");
});

test("a definition that changes while a release runs does not change what it is pinned to", async () => {
  const { release } = await requestRelease(registry, 1);
  const first = await registry.records.startRelease({ release, runId: "run-1" });
  await applyExample(registry, { tier: "high" }, "ben");
  expect(await registry.records.startRelease({ release, runId: "run-2" })).toEqual({ ...first, done: {} });
});

test("one release of a model runs at a time", async () => {
  const [first, second] = [await requestRelease(registry, 1), await requestRelease(registry, 2)];
  await registry.records.startRelease({ release: first.release, runId: "run-1" });
  expect(await registry.records.startRelease({ release: second.release, runId: "run-2" })).toMatchObject({
    ok: false,
    code: "not-active",
  });
});

test("a workflow that was started by hand for a release that nobody asked for is refused, on record", async () => {
  const start = () => registry.records.startRelease({ release: `${model}.99`, runId: "by-hand" });
  expect(await twice(registry.db, start)).toMatchObject({ ok: false, code: "not-found" });
  expect(await auditKinds(registry.db, `${model}.99`)).toEqual(["message.refused"]);
});

test("stages are told once each, also when they run again", async () => {
  const { release } = await requestRelease(registry, 1);
  await registry.records.startRelease({ release, runId: "run-1" });
  await twice(registry.db, () => registry.records.beginStage({ release, stage: "ingest" }));
  const asked = await contextOf(registry, release);
  const dataset = await registry.store.putJson({});
  const unsealed = { summary: "Ten rows of \0 three files.", rows: 10, files: 3, bytes: 9, dataset };
  const result = { ...unsealed, seal: testSealer.seal(sealedText({ stage: "ingest", asked, result: unsealed })) };
  await twice(registry.db, () => registry.records.endStage({ release, stage: "ingest", attempts: 2, result }));
  const row = await registry.db
    .selectFrom("release_stages")
    .selectAll()
    .where("release_id", "=", release)
    .executeTakeFirstOrThrow();
  expect(row).toMatchObject({
    stage: "ingest",
    state: "done",
    attempts: 2,
    summary: "Ten rows of \u{FFFD} three files.",
    result: { rows: 10 },
  });
  expect(await auditKinds(registry.db, release)).toEqual([
    "release.requested",
    "release.started",
    "stage.started",
    "stage.ended",
  ]);
});

test("a blocked release says why, and goes on when somebody who may retries it with other parameters", async () => {
  const release = await block({ stage: "train", skippable: false });
  expect(await readRow(release)).toMatchObject({
    state: "blocked",
    blocked: { code: "transient", logTail: "the end of a log with a NUL \u{FFFD} in it" },
  });
  const command = registry.sign("olga", {
    kind: "unblock",
    release,
    action: "retry",
    reason: "less regularisation",
    parameters: { train: { l2: 0.1 } },
  });
  const answer = await twice(registry.db, () => registry.records.unblockRelease(command));
  expect(answer).toEqual({ ok: true, action: "retry", parameters: { train: { l2: 0.1 } } });
  expect(await readRow(release)).toMatchObject({ state: "running", blocked: null, parameters: { train: { l2: 0.1 } } });
  expect(await contributors(release)).toContain("olga retried the train stage with changed parameters");
  const late = registry.sign("olga", { kind: "unblock", release, action: "retry", reason: "again", parameters: {} });
  expect(await registry.records.unblockRelease(late)).toMatchObject({ ok: false, code: "not-blocked" });
});

test("a stage is skipped where the policy allows it, by somebody who has contributed then", async () => {
  const release = await block();
  const command = registry.sign("ben", { kind: "unblock", release, action: "skip", reason: "no data yet", parameters: {} });
  expect(await registry.records.unblockRelease(command)).toMatchObject({ ok: true, action: "skip" });
  await twice(registry.db, () => registry.records.skipStage({ release, stage: "monitor" }));
  expect(await contributors(release)).toContain("ben skipped the monitor stage");
});

test("a stage that the policy does not name cannot be skipped, whoever asks", async () => {
  const release = await block({ stage: "validate" });
  const command = registry.sign("ben", { kind: "unblock", release, action: "skip", reason: "hurry", parameters: {} });
  expect(await registry.records.unblockRelease(command)).toMatchObject({ ok: false, code: "skip-not-allowed" });
  const skip = registry.records.skipStage({ release, stage: "validate" });
  await expect(skip).rejects.toMatchObject({ type: "skip-not-allowed", nonRetryable: true });
  await expect(skip).rejects.toBeInstanceOf(ApplicationFailure);
});

test("a viewer unblocks nothing", async () => {
  const release = await block();
  const command = registry.sign("grace", { kind: "unblock", release, action: "abandon", reason: "no", parameters: {} });
  expect(await registry.records.unblockRelease(command)).toMatchObject({ ok: false, code: "forbidden" });
});

test("an ending as withdrawn that nobody asked for is told as what is known, also after a forged withdrawal", async () => {
  const at = await waitAtGate(registry, 1);
  const forged = { release: at.release, reason: "forged", kind: "withdraw-release" as const };
  const command = registry.sign("ada", forged, { signature: "A".repeat(86) });
  expect(await registry.records.withdrawRelease(command)).toMatchObject({ ok: false, code: "not-signed" });
  await registry.records.endRelease({ release: at.release, outcome: "withdrawn", next: null, summary: "ada withdrew it." });
  expect(await readRow(at.release)).toMatchObject({ state: "ended", outcome: "abandoned" });
});

test("withdrawing closes the open gate in the same transaction, so that no decision counts after it", async () => {
  const at = await waitAtGate(registry, 1);
  const command = registry.sign("ada", { kind: "withdraw-release", release: at.release, reason: "wrong data" });
  expect(await twice(registry.db, () => registry.records.withdrawRelease(command))).toEqual({ ok: true, gate: at.gate });
  const late = await registry.records.closeGate({ gate: at.gate, commands: [decision(registry, at, "grace")] });
  expect(late).toMatchObject({ kind: "closed", resolution: "withdrawn" });
  await twice(registry.db, () =>
    registry.records.endRelease({ release: at.release, outcome: "withdrawn", next: null, summary: "Withdrawn." }),
  );
  expect(await readRow(at.release)).toMatchObject({ state: "ended", outcome: "withdrawn", waits_for: null });
  const again = registry.sign("ada", { kind: "withdraw-release", release: at.release, reason: "twice" });
  expect(await registry.records.withdrawRelease(again)).toMatchObject({ ok: false, code: "not-active" });
});

test("a release makes one version, whose digest is its manifest's", async () => {
  const release = await makeVersion(registry, 1);
  const { dataset, featurized, trained, version, evaluated } = await recordVersion(registry, release);
  await twice(registry.db, () => registry.records.recordVersion({ release, dataset, featurized, trained }));
  await twice(registry.db, () => registry.records.recordEvaluation({ release, evaluation: evaluated }));
  const row = await registry.db.selectFrom("versions").selectAll().executeTakeFirstOrThrow();
  expect(await registry.store.getJson(version.digest)).toEqual(row.manifest);
  expect(row.manifest.runtime.onnxruntime).toMatch(/^\d+\.\d+\.\d+/);
  const other = { ...trained, model: await registry.store.put("other bytes") };
  await expect(registry.records.recordVersion({ release, dataset, featurized, trained: other })).rejects.toMatchObject({
    type: "digest-mismatch",
  });
});

test("a release cannot end as promoted without having been deployed", async () => {
  const release = await makeVersion(registry, 1);
  await expect(registry.records.endRelease({ release, outcome: "promoted", next: null, summary: "" })).rejects.toMatchObject({
    type: "internal",
  });
  expect(await readRow(release)).toMatchObject({ state: "running" });
});

test("changes that reviewers asked for lead to one successor with their parameters, and they stay free to decide on it", async () => {
  const at = await waitAtGate(registry, 1);
  const asked = decision(registry, at, "grace", {
    decision: "request-changes",
    reason: "train on more months",
    returnTo: "ingest",
    parameters: { months: 6 },
  });
  expect(await registry.records.closeGate({ gate: at.gate, commands: [asked] })).toMatchObject({
    kind: "closed",
    resolution: "changes-requested",
  });
  await registry.records.endRelease({ release: at.release, outcome: "changes-requested", next: null, summary: "Changes." });
  expect(await registry.records.readRelease({ release: at.release })).toEqual({
    state: "ended",
    outcome: "changes-requested",
    changes: at.gate,
  });
  const release = `${model}.2`;
  const parent = { release: at.release, gate: at.gate };
  const pinned = await twice(registry.db, () =>
    registry.records.createRelease({ model, release, number: 2, command: null, parent }),
  );
  expect(pinned).toMatchObject({ ok: true, parameters: { months: 6 } });
  expect(await readRow(release)).toMatchObject({
    parent: at.release,
    trigger: "cli",
    requested_by: "ada",
    reason: expect.stringContaining("train on more months"),
  });
  expect(await readRow(at.release)).toMatchObject({ next: release });
  expect((await contributors(release)).some((one) => one.startsWith("grace"))).toBe(false);
  expect(await registry.records.createRelease({ model, release: `${model}.3`, number: 3, command: null, parent })).toMatchObject({
    ok: false,
    code: "invalid",
  });
});

test("a report of changes that nobody asked for makes no successor", async () => {
  const at = await waitAtGate(registry, 1);
  const parent = { release: at.release, gate: at.gate };
  const create = () => registry.records.createRelease({ model, release: `${model}.2`, number: 2, command: null, parent });
  expect(await twice(registry.db, create)).toMatchObject({ ok: false, code: "not-signed" });
  expect(await auditKinds(registry.db, `${model}.2`)).toEqual(["message.refused"]);
});
