import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { GateRule } from "../../../domain/policy.ts";
import { until } from "../../world/until.ts";
import { attemptOn, expectClosedOnce, expectRefused, expectTaken, type Context, type Point } from "../point.ts";

/** Deadlines, timers, and the first moment. */
export const timePoints: Point[] = [
  {
    number: 1,
    holds: "a timer and a click in the same instant have one outcome, and the loser a receipt",
    run: sameInstant,
  },
  { number: 2, holds: "a timer left over from before the decision does nothing", beneath: true, run: leftOverTimer },
  {
    number: 21,
    holds: "an answer in the very moment in which the gate opens counts",
    run: atTheOpening,
  },
  {
    number: 22,
    holds: "a deadline is exact, whichever process is slow",
    beneath: true,
    alone: true,
    run: exactDeadline,
  },
];

async function sameInstant(context: Context): Promise<void> {
  const { stand, surface } = context;
  const rule = { deadlineMs: 900, onDeadline: "reject", remindAt: [] } satisfies Partial<GateRule>;
  const gates = await Promise.all([-60, -20, 0, 20, 60].map(async (offsetMs) => ({ offsetMs, gate: await stand.open(rule) })));
  const replies = await Promise.all(
    gates.map(async ({ offsetMs, gate }) => {
      await sleep(Math.max(0, Date.parse(gate.deadline) + offsetMs - Date.now()));
      const attempt = surface.decide("grace", attemptOn(gate));
      // The timer itself rings a second later, for what is on its way; here it rings now.
      const rung = stand.world.records.fallDue({ gate: gate.id, due: { kind: "deadline", at: gate.deadline, step: 1 } });
      return { gate, reply: await attempt, rung: await rung };
    }),
  );
  for (const { gate, reply } of replies) {
    const row = await stand.untilClosed(gate.id);
    const [decision] = await stand.decisions(gate.id);
    if (reply.receipt === "accepted") {
      await expectClosedOnce(context, gate, "approved");
      expect(decision?.counted).toBe(true);
      expect((decision?.decided_at.toISOString() ?? "") <= gate.deadline).toBe(true);
    } else {
      expectRefused(surface, reply, "expired");
      await expectClosedOnce(context, gate, "expired");
    }
    expect(await gate.handle.result()).toMatchObject({ resolution: row.resolution });
  }
}

async function leftOverTimer(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open({ deadlineMs: 2_500, onDeadline: "reject", remindAt: [0.99] });
  expectTaken(await surface.decide("grace", attemptOn(gate)));
  await gate.handle.result();
  const { events } = await gate.handle.fetchHistory();
  const timers = (events ?? []).filter((event) => event.timerStartedEventAttributes).length;
  const ended = (events ?? []).filter((event) => event.timerCanceledEventAttributes ?? event.timerFiredEventAttributes).length;
  expect(timers).toBeGreaterThan(0);
  expect(ended).toBe(timers);
  const before = await stand.audited(gate.id);
  await until("the deadline", () => Promise.resolve(new Date().toISOString() > gate.deadline));
  for (const due of (await stand.rowOf(gate.id)).request.timeline ?? [])
    expect(await stand.world.records.fallDue({ gate: gate.id, due })).toMatchObject({ kind: "closed", resolution: "approved" });
  expect(await stand.audited(gate.id)).toEqual(before);
  await expectClosedOnce(context, gate, "approved");
}

/** Frozen, and decided on while its workflow is being started. */
async function atTheOpening(context: Context): Promise<void> {
  const { stand, surface } = context;
  for (const delayMs of [0, 40, 120]) {
    const gate = await stand.open({}, { frozenOnly: true });
    const external = await stand.requestFor({});
    const [reply] = await Promise.all([
      surface.decide("grace", attemptOn(gate)),
      sleep(delayMs).then(() => stand.startGate(gate.id, external)),
    ]);
    expectTaken(reply);
    expect(await gate.handle.result()).toMatchObject({ resolution: "approved" });
    await expectClosedOnce(context, gate, "approved");
  }
}

/** No worker runs while the deadline passes: who decided before it counts, who came after it is told at once. */
async function exactDeadline(context: Context): Promise<void> {
  const { stand, surface } = context;
  const rule = { deadlineMs: 2_500, onDeadline: "reject", remindAt: [] } satisfies Partial<GateRule>;
  const [inTime, tooLate] = await Promise.all([stand.open(rule), stand.open(rule)]);
  await stand.world.stopWorkers();
  try {
    const early = surface.decide("grace", attemptOn(inTime));
    await until("both deadlines", () => Promise.resolve(Date.now() > Date.parse(tooLate.deadline) + 1_200));
    expect((await stand.rowOf(tooLate.id)).state).toBe("open");
    expectRefused(surface, await surface.decide("grace", attemptOn(tooLate)), "expired");
    await stand.world.startWorkers();
    const reply = await early;
    expect(["accepted", "pending"], reply.text).toContain(reply.receipt);
    expect(await stand.untilClosed(inTime.id)).toMatchObject({ resolution: "approved" });
    expect(await stand.untilClosed(tooLate.id)).toMatchObject({ resolution: "expired" });
  } finally {
    await stand.world.startWorkers();
  }
}
