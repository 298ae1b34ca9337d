import { expect } from "vitest";
import { createIntruder } from "../../world/temporal-cli.ts";
import { until } from "../../world/until.ts";
import { attemptOn, expectClosedOnce, expectTaken, expectUntouched, type Context, type Point } from "../point.ts";

/** What surrounds the gate: Slack, Temporal's own port, deployments of workers. */
export const outsidePoints: Point[] = [
  {
    number: 13,
    holds: "with nobody to take messages the gate goes on waiting, and is decided on",
    beneath: true,
    run: messagesAway,
  },
  { number: 14, holds: "an update or signal without a valid token is refused and recorded", beneath: true, run: forgeries },
  { number: 16, holds: "a worker deployed during the wait resumes the same gate", beneath: true, alone: true, run: newWorkers },
  {
    number: 19,
    holds: "a decided gate that is reset, terminated or started again keeps its resolution",
    beneath: true,
    run: staysDecided,
  },
  { number: 20, holds: "a gate id taken beforehand stops the starter with a clear message", beneath: true, run: takenId },
];

/** Nobody carries messages in this world, and what is due to be told lies where it is. */
async function messagesAway(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open();
  const queues = await stand.world.client.workflow.count("WorkflowType = 'courier'");
  expect(queues.count).toBe(0);
  await expectUntouched(context, gate);
  expectTaken(await surface.decide("grace", attemptOn(gate)));
  await expectClosedOnce(context, gate, "approved");
}

async function forgeries(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open();
  const intruder = createIntruder(stand.world.namespace);
  const forged = { ...stand.sign("grace", gate), signature: "A".repeat(86) };
  const stolen = { ...stand.sign("grace", gate), principal: "george" };
  const other = stand.sign("grace", { id: "ext.bank.another", digest: gate.digest });
  expect((await intruder.update(`gate/${gate.id}`, "decide", { by: "grace", decision: "approve" })).ok).toBe(false);
  await intruder.update(`gate/${gate.id}`, "decide", forged);
  await intruder.signal(`gate/${gate.id}`, "decide-by-signal", stolen);
  await intruder.signal(`gate/${gate.id}`, "decide-by-signal", other);
  await intruder.signal(`gate/${gate.id}`, "decide-by-signal", "approve");
  await until("each is on record", async () => {
    const kinds = await stand.refusedMessages(gate.id);
    return kinds >= 5;
  });
  await expectUntouched(context, gate);
  expectTaken(await surface.decide("grace", attemptOn(gate)));
}

async function newWorkers(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open({ quorum: 2 });
  expectTaken(await surface.decide("grace", attemptOn(gate)));
  await stand.world.restartWorkers();
  // The first task after a deployment may wait for the worker that is gone: not known in time is no loss.
  const reply = await surface.decide("george", attemptOn(gate));
  expect(["accepted", "pending"], reply.text).toContain(reply.receipt);
  expect(await gate.handle.result()).toMatchObject({ resolution: "approved" });
  await expectClosedOnce(context, gate, "approved");
}

async function staysDecided(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open();
  expectTaken(await surface.decide("grace", attemptOn(gate, { decision: "reject", reason: "the sum is wrong" })));
  await gate.handle.result();
  const intruder = createIntruder(stand.world.namespace);
  expect((await intruder.resetToStart(`gate/${gate.id}`)).ok).toBe(true);
  const again = () => stand.world.client.workflow.getHandle(`gate/${gate.id}`).result();
  expect(await again()).toMatchObject({ resolution: "rejected" });
  await intruder.start(`gate/${gate.id}`, "gate", { gate: gate.id, external: await stand.requestFor({}) });
  expect(await again()).toMatchObject({ resolution: "rejected" });
  await intruder.terminate(`gate/${gate.id}`);
  await expectClosedOnce(context, gate, "rejected");
  expect(await surface.read("grace", gate.id)).toMatchObject({ state: "closed", resolution: "rejected", offers: false });
}

/** Of a foreign starter; of a release `test/attack/messages.test.ts` shows the same. */
async function takenId(context: Context): Promise<void> {
  const { stand, surface } = context;
  const id = `ext.bank.taken-${Date.now()}`;
  const intruder = createIntruder(stand.world.namespace);
  expect((await intruder.start(`gate/${id}`, "gate", { gate: id, digest: `sha256:${"0".repeat(64)}` })).ok).toBe(true);
  const squatter = stand.world.client.workflow.getHandle(`gate/${id}`);
  expect(await squatter.result()).toMatchObject({ resolution: null });
  expect(await stand.refusedMessages(id)).toBeGreaterThan(0);
  await expect(stand.startGate(id, await stand.requestFor({}))).rejects.toThrow(/already/i);
  expect(await surface.read("olga", id)).toBeNull();
}
