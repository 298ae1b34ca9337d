import { afterAll, beforeAll, expect, test } from "vitest";
import { workflowIds } from "../../domain/ids.ts";
import type { GateView } from "../../domain/http/gate-views.ts";
import type { ModelView } from "../../domain/http/model-views.ts";
import type { PolicyView } from "../../domain/http/policy-views.ts";
import { apply, decide, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";
import { approve, authored, openGate } from "./proposing.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
}, 120_000);
afterAll(async () => {
  await world?.stop();
});

const modelOf = async (name: string) => (await world.as("olga").get<ModelView>(`/api/models/${name}`)).body;
const gateOf = async (id: string) => (await world.as("grace").get<GateView>(`/api/gates/${id}`)).body;

test("a model that is retired stops what runs, ends what is asked about it and serves nothing", async () => {
  const definition = await smallModel("retiring", "medium");
  definition.maturity = "optimized";
  await apply(world, definition);
  const softer = structuredClone(definition);
  softer.split.holdout = 0.2;
  expect(await world.as("ada").put("/api/models/retiring", softer)).toMatchObject({ status: 202 });
  const waiting = await untilGate(world, await requestRelease(world, "retiring"));

  const asked = await world
    .as("ada")
    .post<{ state: string; gate: string }>("/api/models/retiring/retire", { reason: "nobody asks it any more" });
  expect(asked).toMatchObject({ status: 202, body: { state: "active", gate: "retiring.retirement.1" } });
  const again = await world
    .as("olga")
    .post<{ gate: string }>("/api/models/retiring/retire", { reason: "nobody asks it any more" });
  expect(again).toMatchObject({ status: 202, body: { gate: "retiring.retirement.1" } });
  expect((await modelOf("retiring")).waiting.map((one) => one.gate)).toEqual(["retiring.definition.1", "retiring.retirement.1"]);

  await approve(world, "grace", "retiring.retirement.1");
  const retired = await until("it is retired", async () => {
    const found = await modelOf("retiring");
    return found.state === "retired" && found;
  });
  expect(retired).toMatchObject({
    waiting: [],
    retired: { by: "ada", reason: "nobody asks it any more", gate: "retiring.retirement.1" },
  });
  const late = await decide(world.as("grace"), waiting, { decision: "approve" });
  expect(late).toMatchObject({
    status: 409,
    body: { receipt: "already-decided", message: expect.stringContaining("was retired") },
  });
  expect(await untilState(world, waiting.release ?? "", ["ended"])).toMatchObject({ outcome: "withdrawn" });
  expect(await gateOf("retiring.definition.1")).toMatchObject({ resolution: "superseded", supersededBy: null });
  const handle = world.client.workflow.getHandle(workflowIds.release(waiting.release ?? ""));
  await until("its release's workflow has ended", async () => (await handle.describe()).status.name !== "RUNNING");
}, 60_000);

test("a request about a policy or a definition whose workflow was terminated is asked anew, and decided on", async () => {
  const definition = await smallModel("orphaned", "medium");
  await apply(world, definition);
  const softer = structuredClone(definition);
  softer.split.holdout = 0.2;
  await world.as("ada").put("/api/models/orphaned", softer);
  const document = { ...authored("low-managed"), title: "Low risk, managed: as it was, in other words." };
  await world.as("olga").put("/api/policies/low-managed", document);

  const first = ["policy.low-managed.1", "orphaned.definition.1"];
  for (const gate of first) {
    await openGate(world, gate);
    await world.client.workflow.getHandle(workflowIds.gate(gate)).terminate("by a test");
  }
  // Rows younger than ten seconds may stand for a run that is being started: these are made older than they are.
  const before = new Date(Date.now() - 60_000);
  await world.db.updateTable("gates").set({ opened_at: before }).where("id", "in", first).execute();
  expect((await world.records.findDeadRuns()).dead.map((one) => one.id).toSorted()).toEqual(first.toSorted());

  for (const gate of first) {
    const next = gate.replace(/1$/, "2");
    const old = await gateOf(gate);
    expect(old).toMatchObject({ resolution: "superseded", supersededBy: next });
    await approve(world, "grace", next);
  }
  await until("both are in force", async () => {
    const { body } = await world.as("pia").get<PolicyView>("/api/policies/low-managed");
    const { definition: inForce } = await modelOf("orphaned");
    return body.version === 2 && inForce.split.holdout === 0.2;
  });
}, 60_000);
