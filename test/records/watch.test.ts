import { Client, Connection } from "@temporalio/client";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createRecordActivities } from "../../activities/record/record-activities.ts";
import { workflowIds } from "../../domain/ids.ts";
import { createTestNamespace, temporalAddress } from "../setup/temporal.ts";
import { applyExample, decision, freeze, model, promote, requestRelease, waitAtGate } from "./passage.ts";
import { auditKinds, createRegistry, twice, type Registry } from "./registry.ts";

let client: Client;
let registry: Registry;

beforeAll(async () => {
  const [connection, namespace] = await Promise.all([Connection.connect({ address: temporalAddress() }), createTestNamespace()]);
  client = new Client({ connection, namespace });
});

afterAll(() => client.connection.close());

beforeEach(async () => {
  registry = await createRegistry({ temporalClient: client });
  await applyExample(registry);
});

afterEach(async () => {
  for await (const run of client.workflow.list({ query: "ExecutionStatus = 'Running'" }))
    await client.workflow.getHandle(run.workflowId).terminate();
  await registry.stop();
});

/** A run that nobody works on: alive for the server until it is terminated. */
async function start(workflowId: string): Promise<void> {
  await client.workflow.start("nothing", {
    workflowId,
    taskQueue: "nobody",
    workflowIdReusePolicy: "ALLOW_DUPLICATE",
    workflowIdConflictPolicy: "USE_EXISTING",
  });
}

const terminate = (workflowId: string) => client.workflow.getHandle(workflowId).terminate("by a test");

async function signalsOf(workflowId: string): Promise<string[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? []);
}

/** Everything in the database seems a minute older; a row younger than ten seconds may stand for a run that is being started. */
async function aMinuteLater(): Promise<void> {
  const before = new Date(Date.now() - 60_000);
  await registry.db.updateTable("releases").set({ created_at: before }).execute();
  await registry.db.updateTable("gates").set({ created_at: before, opened_at: before }).where("state", "=", "open").execute();
}

const find = () => registry.records.findDeadRuns();
const readRelease = (id: string) => registry.db.selectFrom("releases").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

test("what runs is left alone", async () => {
  const at = await waitAtGate(registry, 1);
  await start(workflowIds.release(at.release));
  await start(workflowIds.gate(at.gate));
  await aMinuteLater();
  expect(await twice(registry.db, find)).toEqual({ dead: [] });
});

test("a terminated gate is superseded, its release is told and asks anew", async () => {
  const at = await waitAtGate(registry, 1);
  await start(workflowIds.release(at.release));
  await start(workflowIds.gate(at.gate));
  await terminate(workflowIds.gate(at.gate));
  await aMinuteLater();
  expect(await find()).toEqual({ dead: [{ kind: "gate", id: at.gate }] });
  expect(await auditKinds(registry.db, at.gate)).toEqual(["gate.frozen", "gate.opened", "workflow.died", "gate.closed"]);
  expect(await registry.records.readGate({ gate: at.gate })).toMatchObject({ state: "closed", resolution: "superseded" });
  expect(await signalsOf(workflowIds.release(at.release))).toEqual(["gateClosed"]);
  const next = await freeze(registry, at.release);
  expect(next.gate).toBe(`${at.release}.promotion.2`);
  expect((await find()).dead).toEqual([]);
});

test("a gate whose row is closed and whose workflow still waits is told to look, one that has ended is not", async () => {
  const at = await waitAtGate(registry, 1);
  await start(workflowIds.release(at.release));
  await start(workflowIds.gate(at.gate));
  await registry.records.closeGate({ gate: at.gate, commands: [decision(registry, at, "grace")] });
  expect(await find()).toEqual({ dead: [] });
  expect(await signalsOf(workflowIds.gate(at.gate)), "it may just be about to end").toEqual([]);
  const before = new Date(Date.now() - 60_000);
  await registry.db.updateTable("gates").set({ closed_at: before }).where("id", "=", at.gate).execute();
  expect(await find()).toEqual({ dead: [] });
  expect(await signalsOf(workflowIds.gate(at.gate))).toEqual(["look"]);
  await terminate(workflowIds.gate(at.gate));
  await find();
  expect(await signalsOf(workflowIds.gate(at.gate))).toEqual(["look"]);
});

test("a release that missed the hint is told again until it has asked anew", async () => {
  const at = await waitAtGate(registry, 1);
  await aMinuteLater();
  await start(workflowIds.release(at.release));
  expect(await find()).toEqual({ dead: [{ kind: "gate", id: at.gate }] });
  await find();
  expect(await signalsOf(workflowIds.release(at.release))).toEqual(["gateClosed", "gateClosed"]);
  await freeze(registry, at.release);
  await find();
  expect(await signalsOf(workflowIds.release(at.release))).toHaveLength(2);
});

test("a terminated release ends as abandoned with its gate, and its model is told once", async () => {
  const at = await waitAtGate(registry, 1);
  for (const id of [workflowIds.lifecycle(model), workflowIds.release(at.release), workflowIds.gate(at.gate)]) await start(id);
  await terminate(workflowIds.release(at.release));
  await aMinuteLater();
  expect(await find()).toEqual({ dead: [{ kind: "release", id: at.release }] });
  expect(await readRelease(at.release)).toMatchObject({ state: "ended", outcome: "abandoned", waits_for: null });
  expect(await registry.records.readGate({ gate: at.gate })).toMatchObject({ resolution: "withdrawn" });
  expect(await auditKinds(registry.db, at.release)).toEqual(expect.arrayContaining(["workflow.died", "release.ended"]));
  expect(await signalsOf(workflowIds.lifecycle(model))).toEqual(["releaseEnded"]);
  expect(await signalsOf(workflowIds.gate(at.gate))).toEqual(["look"]);
  expect(await find()).toEqual({ dead: [] });
  expect(await signalsOf(workflowIds.lifecycle(model))).toHaveLength(1);
});

test("a release that waits for its turn has no workflow, and is not dead", async () => {
  // A number of its own: the server remembers the runs of the other tests.
  await requestRelease(registry, 7);
  await aMinuteLater();
  expect(await find()).toEqual({ dead: [] });
});

test("a release that died after its version began to serve was promoted all the same", async () => {
  const release = await promote(registry, 1);
  await registry.db
    .updateTable("releases")
    .set({ state: "running", outcome: null, ended_at: null })
    .where("id", "=", release)
    .execute();
  await aMinuteLater();
  expect(await find()).toEqual({ dead: [{ kind: "release", id: release }] });
  expect(await readRelease(release)).toMatchObject({ state: "ended", outcome: "promoted" });
});

test("a row that is younger than ten seconds is not judged yet", async () => {
  await waitAtGate(registry, 1);
  expect(await find()).toEqual({ dead: [] });
});

test("a Temporal that does not answer is no reason to end anything", async () => {
  const at = await waitAtGate(registry, 1);
  await aMinuteLater();
  const connection = Connection.lazy({ address: "127.0.0.1:1" });
  const away = new Client({ connection, namespace: "default" });
  const verifier = { verify: () => false };
  const records = createRecordActivities({ ...registry, verifier, temporalClient: away });
  await expect(away.withDeadline(Date.now() + 2_000, () => records.findDeadRuns())).rejects.toMatchObject({ type: "transient" });
  expect(await readRelease(at.release)).toMatchObject({ state: "waiting" });
  await connection.close();
});
