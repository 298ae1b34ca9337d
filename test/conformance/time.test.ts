import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GateRule } from "../../domain/policy.ts";
import { until } from "../world/until.ts";
import { attemptOn, expectClosedOnce, expectTaken } from "./point.ts";
import { openStand, type ConformanceStand } from "./stand.ts";
import { createApiSurface } from "./surfaces/api.ts";
import type { GateSurface } from "./surface.ts";

/** What time does to a gate that waits, with real timers of a second or two. */
let stand: ConformanceStand;
let api: GateSurface;
beforeAll(async () => {
  stand = await openStand();
  api = createApiSurface(stand.site);
}, 120_000);
afterAll(() => stand?.close());

const shortly = { deadlineMs: 800, remindAt: [0.25, 0.5] } satisfies Partial<GateRule>;
const untilAudited = (gate: string, kind: string, times = 1) =>
  until(`${kind} of ${gate}`, async () => (await stand.audited(gate)).filter((one) => one === kind).length >= times);

describe.concurrent("while a request waits", () => {
  it("its deciders are reminded, the next group is asked, and at the deadline it is overdue and still decided on", async () => {
    const gate = await stand.open({ ...shortly, escalation: [{ groups: ["product"], afterMs: 600 }] });
    await untilAudited(gate.id, "gate.overdue");
    expect((await stand.audited(gate.id)).slice(2)).toEqual(["gate.reminded", "gate.reminded", "gate.escalated", "gate.overdue"]);
    expect(await stand.rowOf(gate.id)).toMatchObject({ state: "open", reminders: 2, escalation_level: 1 });
    expectTaken(await api.decide("pia", attemptOn(gate)));
    await expectClosedOnce({ stand }, gate, "approved");
  });

  it("somebody who decides asks the next group at once, and it uses up no vote", async () => {
    const gate = await stand.open({ quorum: 2, escalation: [{ groups: ["product"], afterMs: 3_000_000 }] });
    expect((await api.decide("pia", attemptOn(gate))).refused).toBe(true);
    expectTaken(await api.decide("grace", attemptOn(gate, { decision: "escalate", reason: "beyond me" })));
    expectTaken(await api.decide("grace", attemptOn(gate)));
    expectTaken(await api.decide("pia", attemptOn(gate)));
    await expectClosedOnce({ stand }, gate, "approved");
    expect((await api.decide("grace", attemptOn(gate, { decision: "escalate", reason: "again" }))).receipt).toBe(
      "already-decided",
    );
  });

  it("the team that owns it may ask for the next group, and may not decide", async () => {
    const gate = await stand.open({ escalation: [{ groups: ["product"], afterMs: 3_000_000 }] });
    expect((await api.decide("olga", attemptOn(gate))).receipt).toBe("not-allowed");
    expectTaken(await api.decide("olga", attemptOn(gate, { decision: "escalate", reason: "it is urgent" })));
    expect((await stand.rowOf(gate.id)).escalation_level).toBe(1);
  });

  it("a deadline that rejects closes it as expired; a vote that stood goes on record as not counted", async () => {
    const gate = await stand.open({ ...shortly, quorum: 2, deadlineMs: 1_500, onDeadline: "reject" });
    expectTaken(await api.decide("grace", attemptOn(gate)));
    expect(await gate.handle.result()).toMatchObject({ resolution: "expired", outcome: { by: null } });
    expect((await stand.decisions(gate.id)).map((one) => one.counted)).toEqual([false]);
    await expectClosedOnce({ stand }, gate, "expired");
  });

  it("a deadline that approves does so in the policy's name", async () => {
    const gate = await stand.open({ ...shortly, onDeadline: "approve" });
    const result = await gate.handle.result();
    expect(result).toMatchObject({
      resolution: "approved",
      outcome: { by: null, reason: expect.stringContaining("conformance") },
    });
    await expectClosedOnce({ stand }, gate, "approved");
  });

  it("evidence that is too old is renewed: the request is superseded and takes no decision", async () => {
    const gate = await stand.open({ ...shortly, deadlineMs: 400, maxAgeMs: 900 });
    await until("the age", () => Promise.resolve(Date.now() > Date.parse(gate.deadline) + 600));
    expect(["stale", "already-decided"]).toContain((await api.decide("grace", attemptOn(gate))).receipt);
    expect(await gate.handle.result()).toMatchObject({ resolution: "superseded" });
  });

  it("a decision that could not be delivered before the deadline counts when it was made before", async () => {
    const gate = await stand.open({ deadlineMs: 300, onDeadline: "reject", remindAt: [] }, { frozenOnly: true });
    await stand.world.records.openGate({ gate: gate.id, runId: "no-workflow" });
    const command = stand.sign("grace", gate, { at: new Date(Date.parse(gate.deadline) - 50).toISOString() });
    const late = stand.sign("george", gate, { at: new Date(Date.parse(gate.deadline) + 50).toISOString() });
    // As control keeps them while Temporal is away: signed, and their makers told `pending`.
    const kept = [command, late].map((one) => ({
      id: one.id,
      principal_id: one.principal,
      route: `POST /api/gates/${gate.id}/decisions`,
      idempotency_key: one.id,
      body_digest: gate.digest,
      state: "pending" as const,
      gate_id: gate.id,
      signed: JSON.stringify(one),
      response_status: 202,
      response_body: "{}",
      taken_at: null,
    }));
    await stand.world.db.insertInto("commands").values(kept).execute();
    await until("the deadline", () => Promise.resolve(new Date().toISOString() > gate.deadline));
    const due = { kind: "deadline" as const, at: gate.deadline, step: 1 };
    expect(await stand.world.records.fallDue({ gate: gate.id, due })).toMatchObject({ kind: "closed", resolution: "approved" });
    expect((await stand.decisions(gate.id)).map((one) => one.principal_id)).toEqual(["grace"]);
    await until("the pending ones are known", async () => {
      const rows = await stand.world.db.selectFrom("commands").select(["state"]).where("gate_id", "=", gate.id).execute();
      return rows.every((row) => row.state === "done");
    });
  });
});

describe.concurrent("a request", () => {
  it("that nobody can complete says so at once", async () => {
    const gate = await stand.open({ quorum: 2 }, { contributors: [{ principal: "grace", how: "made it" }] });
    const row = await stand.rowOf(gate.id);
    expect(row.undecidable).toMatch(/Only 1 person may decide/);
    expect(await stand.audited(gate.id)).toContain("gate.undecidable");
    expect((await api.read("george", gate.id))?.text).toContain("cannot be given");
  });

  it("lets its deciders take a vote back, and only while it is open", async () => {
    const gate = await stand.open({ quorum: 2 });
    expect((await api.withdraw?.("grace", { gate: gate.id, reason: "nothing yet" }))?.refused).toBe(true);
    expectTaken(await api.decide("grace", attemptOn(gate)));
    expect((await api.withdraw?.("grace", { gate: gate.id, reason: "a second thought" }))?.refused).toBe(false);
    expect(await stand.votes(gate.id)).toEqual([]);
    expectTaken(await api.decide("grace", attemptOn(gate, { decision: "reject", reason: "the sum is wrong" })));
    const late = await api.withdraw?.("grace", { gate: gate.id, reason: "too late" });
    expect(late).toMatchObject({ refused: true, text: expect.stringContaining("already-decided") });
    await expectClosedOnce({ stand }, gate, "rejected");
  });
});
