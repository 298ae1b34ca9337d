import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { ensureSweep } from "../../bin/worker/sweep-schedule.ts";
import type { ReadyView } from "../../domain/http/record-views.ts";
import { watchSchedule } from "../../domain/watch.ts";
import { apply, decide, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";

let world: World;
// On a crowded machine a release takes a minute; by itself it takes a second.
vi.setConfig({ testTimeout: 300_000 });
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.stop());

interface Round {
  found: string[];
  failed: string[];
}

function sweep(): Promise<Round> {
  const workflowId = `sweep-${randomUUID()}`;
  return world.client.workflow.execute("monitorSweep", { taskQueue: "lifecycle", workflowId });
}

const terminate = (id: string) => world.client.workflow.getHandle(id).terminate("by a test");
const schedule = () => world.client.schedule.getHandle(watchSchedule.id);
const watch = async () => (await world.as("olga").get<ReadyView>("/api/health/ready")).body.watch;

/** Rows younger than ten seconds may stand for a workflow that is being started. */
async function aMinuteLater(): Promise<void> {
  const before = new Date(Date.now() - 60_000);
  await world.db.updateTable("models").set({ created_at: before }).execute();
  await world.db.updateTable("releases").set({ created_at: before }).execute();
  // Who joined a group after a gate was opened does not decide there: they joined before all of this.
  await world.adminDb
    .updateTable("group_members")
    .set({ since: new Date(before.getTime() - 60_000) })
    .execute();
  await world.db.updateTable("gates").set({ opened_at: before }).where("state", "=", "open").execute();
}

async function diedOnRecord(subject: string): Promise<number> {
  const rows = world.db.selectFrom("audit").select("seq").where("kind", "=", "workflow.died").where("subject", "=", subject);
  return (await rows.execute()).length;
}

it("an approver whose gate died in silence is answered at once, and the request is asked again within seconds", async () => {
  await apply(world, await smallModel("silent", "medium"));
  const gate = await untilGate(world, await requestRelease(world, "silent"), 150_000);
  // It was opened a while ago, as gates are when somebody comes to decide; a look that was asked for takes one of a second.
  await until("a second", () => Promise.resolve(Date.now() - Date.parse(gate.request.opensAt ?? "") > 1_200));
  await terminate(`gate/${gate.id}`);
  const began = Date.now();
  const answer = await decide(world.as("grace"), gate, { decision: "approve" });
  // With the link to the next request; where the machine is slow, that it was closed, or that it ended in silence.
  expect(answer.status === 409 ? answer.body.receipt : JSON.stringify(answer.body)).toMatch(
    /^superseded$|^already-decided$|ended in silence/,
  );
  const next = await untilGate(world, "silent.1");
  expect(next.id).toBe("silent.1.promotion.2");
  expect(Date.now() - began).toBeLessThan(30_000);
  expect(await diedOnRecord(gate.id)).toBe(1);
  await decide(world.as("grace"), next, { decision: "approve" });
  expect(await untilState(world, "silent.1", ["ended"], 150_000)).toMatchObject({ outcome: "promoted" });
});

it("a person who retries a blocked release that died is told so, and the release ends at once", async () => {
  await apply(world, await smallModel("stuck", "medium", (definition) => (definition.train.limits.memoryMb = 64)));
  const release = await requestRelease(world, "stuck");
  await untilState(world, release, ["blocked"], 150_000);
  await aMinuteLater();
  await terminate(`release/${release}`);
  const answer = await world
    .as("olga")
    .post<{ detail: string }>(`/api/releases/${release}/unblock`, { action: "retry", reason: "again", parameters: {} });
  expect([answer.status, answer.body.detail]).toEqual([503, expect.stringMatching(/ended in silence.*request it again/)]);
  expect(await untilState(world, release, ["ended"], 30_000)).toMatchObject({ outcome: "abandoned" });
});

it("a job of the watch that fails stops no other, and health says what could not be looked at", async () => {
  await apply(world, await smallModel("failing", "medium"));
  const gate = await untilGate(world, await requestRelease(world, "failing"), 150_000);
  await ensureSweep(world, 3_600);
  await until("the first round", async () => (await watch()).detail === "looks every 3600 s");
  // A condition whose moment is no moment: the look at conditions fails on it, today and in each round.
  const approvals = world.db.selectFrom("approvals").selectAll().where("version_id", "=", "silent.1");
  const { version_digest, policy_id, policy_version } = await approvals.executeTakeFirstOrThrow();
  const version = { version_id: "silent.1", version_digest, environment: "elsewhere", policy_id, policy_version };
  const conditions = JSON.stringify([{ finding: gate.id, by: "no moment" }]);
  await world.db
    .insertInto("approvals")
    .values({ id: "apr_broken", kind: "policy", ...version, conditions })
    .execute();
  await world.db
    .insertInto("findings")
    .values({ id: gate.id, model: "failing", kind: "condition", title: "t", key: "k", opened_by: "grace" })
    .execute();
  await aMinuteLater();
  await terminate(`gate/${gate.id}`);
  await terminate("model/failing");
  const round = await sweep();
  expect(round.failed).toEqual(["lapseConditions"]);
  // The round that the schedule began may have found them before this one.
  expect([await diedOnRecord(gate.id), await diedOnRecord("failing")]).toEqual([1, 1]);
  const predictions = world.client.workflow.getHandle("prediction-watch");
  expect(await predictions.result()).toMatchObject({ drifting: [] });
  expect(await watch()).toMatchObject({
    up: false,
    detail: expect.stringMatching(/could not look at approvals whose conditions/),
  });
  const revoked = { revoked_at: new Date(), revoked_why: "by a test" };
  await world.db.updateTable("approvals").set(revoked).where("id", "=", "apr_broken").execute();
  expect((await sweep()).failed).toEqual([]);
  expect((await watch()).up).toBe(true);
});

it("a terminated lifecycle goes on with what is queued within one round, on record", async () => {
  await apply(world, await smallModel("queued", "medium"));
  const first = await untilGate(world, await requestRelease(world, "queued"), 150_000);
  const second = await requestRelease(world, "queued", { seed: 3 });
  await untilState(world, second, ["queued"]);
  await terminate("model/queued");
  await aMinuteLater();
  expect((await sweep()).found).toEqual(["queued"]);
  expect(await diedOnRecord("queued")).toBe(1);
  await decide(world.as("grace"), first, { decision: "approve" });
  expect((await untilGate(world, second, 150_000)).subject.id).toBe(second);
  expect((await sweep()).found, "what goes on is found once").toEqual([]);
});

it("a proposal that died before it did anything is answered, and a terminated courier goes on", async () => {
  const id = `cmd_${randomUUID()}`;
  for (const workflowId of ["courier", `proposal/${id}`]) {
    await world.client.workflow.start("nothing", { workflowId, taskQueue: "nobody" });
    await terminate(workflowId);
  }
  const signed = { id, principal: "olga", groups: [], surface: "api", at: new Date().toISOString(), signature: "" };
  const body = { kind: "propose-policy", policy: "low-managed", version: 9, digest: `sha256:${"a".repeat(64)}` };
  await world.db
    .insertInto("commands")
    .values({
      id,
      principal_id: "olga",
      route: "PUT /api/policies/low-managed",
      idempotency_key: id,
      body_digest: "",
      state: "pending",
      signed: JSON.stringify({ ...signed, body }),
      created_at: new Date(Date.now() - 60_000),
    })
    .execute();
  expect((await sweep()).found.toSorted()).toEqual([id, "courier"].toSorted());
  const result = await world.db.selectFrom("command_results").selectAll().where("command_id", "=", id).executeTakeFirstOrThrow();
  expect(result).toMatchObject({ ok: false, code: "expired", result: { message: expect.stringMatching(/Nothing was done/) } });
  expect((await world.client.workflow.getHandle("courier").describe()).status.name).toBe("RUNNING");
  await terminate("courier");
});

it("a schedule that was paused, changed or deleted is said in health, and a worker that starts puts it right", async () => {
  const restart = () => ensureSweep(world, 1_800);
  await restart();
  expect((await schedule().describe()).spec.intervals).toMatchObject([{ every: 1_800_000 }]);
  expect(await watch(), "a changed setting reaches the schedule").toMatchObject({ up: true, detail: "looks every 1800 s" });
  const faults: [string, () => Promise<unknown>][] = [
    ["is paused", () => schedule().pause("by a test")],
    ["does not run every 1800 s", () => schedule().update((now) => ({ ...now, spec: { intervals: [{ every: "1 day" }] } }))],
    [
      "does not start the watch",
      () => schedule().update((now) => ({ ...now, action: { ...now.action, workflowType: "nothing", args: [] } })),
    ],
    ["was deleted", () => schedule().delete()],
  ];
  for (const [words, breakIt] of faults) {
    await breakIt();
    expect(await watch()).toMatchObject({ up: false, detail: expect.stringContaining(words) });
    if (words === "is paused") expect((await sweep()).failed).toEqual(["lookAtSchedule"]);
    await restart();
    await until("the watch is whole", async () => (await watch()).up);
  }
  const { state, action } = await schedule().describe();
  expect([state.paused, action.workflowType]).toEqual([false, "monitorSweep"]);
  await schedule().delete();
});
