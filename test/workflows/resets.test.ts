import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { GateView } from "../../domain/http/gate-views.ts";
import { apply, decide, promote, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { createIntruder } from "../world/temporal-cli.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";

/** What an operator may do in Temporal to a run that waits, and what must come of it. */
let world: World;
let operator: ReturnType<typeof createIntruder>;
// On a crowded machine a release takes a minute; by itself it takes a second.
vi.setConfig({ testTimeout: 300_000 });
beforeAll(async () => {
  world = await createWorld();
  operator = createIntruder(world.namespace);
});
afterAll(() => world?.stop());

async function gatesOf(release: string): Promise<string[]> {
  const rows = await world.db.selectFrom("gates").select("id").where("release_id", "=", release).orderBy("number").execute();
  return rows.map((row) => row.id);
}

async function recorded(
  kind: "message.refused" | "release.started" | "gate.id-taken" | "workflow.died",
  subject: string,
): Promise<number> {
  return (await world.db.selectFrom("audit").select("seq").where("kind", "=", kind).where("subject", "=", subject).execute())
    .length;
}

async function atGate(model: string): Promise<GateView> {
  await apply(world, await smallModel(model, "medium"));
  return untilGate(world, await requestRelease(world, model), 150_000);
}

const reset = async (id: string) => expect((await operator.resetToStart(id)).ok).toBe(true);
const detailsOf = async (id: string) => {
  const { raw } = await world.client.workflow.getHandle(id).describe();
  return raw.workflowExecutionInfo?.status;
};

it("a release that is reset at its open gate adopts it: nobody is asked twice, and the yes deploys", async () => {
  const gate = await atGate("reset-open");
  await reset("release/reset-open.1");
  await until("it starts again", async () => (await recorded("release.started", "reset-open.1")) === 2);
  await until("it waits", async () => (await state("release/reset-open.1")).waitsFor.includes(gate.id));
  expect((await untilState(world, "reset-open.1", ["waiting"])).blocked).toBeNull();
  const { body } = await decide(world.as("grace"), gate, { decision: "approve" });
  expect(body.receipt).toBe("accepted");
  expect(await untilState(world, "reset-open.1", ["ended"], 150_000)).toMatchObject({ outcome: "promoted" });
  expect(await gatesOf("reset-open.1")).toEqual([gate.id]);
  expect(await recorded("gate.id-taken", gate.id)).toBe(0);
});

const state = (id: string): Promise<{ waitsFor: string }> => world.client.workflow.getHandle(id).query("state");

it("a release that is reset after people answered takes their answer over", async () => {
  const gate = await atGate("reset-answered");
  await world.stopWorkers();
  const answer = decide(world.as("grace"), gate, { decision: "approve" });
  await reset("release/reset-answered.1");
  await world.startWorkers();
  await answer;
  expect(await untilState(world, "reset-answered.1", ["ended"], 150_000)).toMatchObject({ outcome: "promoted" });
  expect(await gatesOf("reset-answered.1")).toEqual([gate.id]);
  // Reset once more, when all is over: what serves stays, and nobody is asked.
  await reset("release/reset-answered.1");
  await until("the run that was reset ends", async () => (await detailsOf("release/reset-answered.1")) === 2);
  expect(await gatesOf("reset-answered.1")).toEqual([gate.id]);
  const { rows } = {
    rows: await world.db.selectFrom("deployments").select("id").where("model", "=", "reset-answered").execute(),
  };
  expect(rows).toHaveLength(1);
});

it("a lifecycle that is reset, cancelled or terminated goes on with the next request", async () => {
  await apply(world, await smallModel("lives", "medium"));
  await promote(world, "lives");
  await reset("model/lives");
  expect(await requestRelease(world, "lives")).toBe("lives.2");
  const gate = await untilGate(world, "lives.2", 150_000);
  await world.client.workflow.getHandle("model/lives").cancel();
  await until("it says so", async () => (await recorded("message.refused", "model/lives")) === 1);
  await decide(world.as("grace"), gate, { decision: "request-changes", reason: "another seed", parameters: { seed: 5 } });
  expect(await untilState(world, "lives.2", ["ended"], 150_000)).toMatchObject({ outcome: "changes-requested" });
  await untilGate(world, "lives.3", 150_000);
  expect(await detailsOf("model/lives")).toBe(1);
});

it("reviewers asked for changes while the lifecycle was dead: the one that is started again creates the successor", async () => {
  const gate = await atGate("orphan");
  await world.client.workflow.getHandle("model/orphan").terminate("by a test");
  await decide(world.as("grace"), gate, { decision: "request-changes", reason: "another seed", parameters: { seed: 5 } });
  await untilState(world, "orphan.1", ["ended"], 150_000);
  const before = new Date(Date.now() - 60_000);
  await world.db.updateTable("models").set({ created_at: before }).execute();
  await world.client.workflow.execute("monitorSweep", { taskQueue: "lifecycle", workflowId: `sweep-${randomUUID()}` });
  expect((await untilGate(world, "orphan.2", 150_000)).release).toBe("orphan.2");
});

it("a gate that is cancelled in Temporal goes on waiting and says so; one of a release that is cancelled ends with it", async () => {
  const gate = await atGate("cancelled");
  await world.client.workflow.getHandle(`gate/${gate.id}`).cancel();
  await until("it says so", async () => (await recorded("message.refused", `gate/${gate.id}`)) === 1);
  expect((await world.as("grace").get<GateView>(`/api/gates/${gate.id}`)).body.state).toBe("open");
  await world.client.workflow.getHandle("release/cancelled.1").cancel();
  expect(await untilState(world, "cancelled.1", ["ended"], 150_000)).toMatchObject({ outcome: "abandoned" });
  await until("the gate ends", async () => (await detailsOf(`gate/${gate.id}`)) === 2);
  expect(await recorded("message.refused", `gate/${gate.id}`)).toBe(1);
  expect(await gatesOf("cancelled.1")).toEqual([gate.id]);
});
