import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { digestOfJson } from "../../../domain/digest.ts";
import { until } from "../../world/until.ts";
import { attemptOn, expectClosedOnce, expectRefused, expectTaken, expectUntouched, type Context, type Point } from "../point.ts";

/** What a decision is, once, and for everybody who looks. */
export const decidingPoints: Point[] = [
  { number: 3, holds: "a decision on one surface changes the others", run: shownEverywhere },
  { number: 4, holds: "a double click, a retry and two approvers at once count once", run: onceEach },
  { number: 5, holds: "a GET, a link preview or a prefetch never decides", run: lookingDecidesNothing },
  {
    number: 6,
    holds: "a malformed decision leaves the gate waiting",
    run: malformedLeavesItWaiting,
  },
  { number: 8, holds: "nothing of an open request can be edited", beneath: true, run: nothingIsEdited },
  {
    number: 12,
    holds: "a retry never replays an old decision on a new request",
    run: noReplay,
  },
  { number: 15, holds: "a decision that arrives after the workflow closed gets its typed answer", run: afterTheEnd },
  { number: 17, holds: "a crowd of clicks at once leads to one resolution, and each is answered", alone: true, run: crowd },
  { number: 18, holds: "a reject or escalate with an empty reason is refused", run: reasonsAreNeeded },
  { number: 23, holds: "a refusal is no success", run: refusalsAreNone },
];

async function shownEverywhere({ stand, surface, others }: Context): Promise<void> {
  const gate = await stand.open();
  for (const other of others) expect((await other.read("george", gate.id))?.offers, other.name).toBe(true);
  const watched = await Promise.all(others.map(async (other) => (await other.watch?.("george", gate.id)) ?? null));
  expectTaken(await surface.decide("grace", attemptOn(gate, { reason: "it is in order" })));
  for (const one of watched.filter((each) => each !== null)) {
    expect((await one.untilClosed()).offers).toBe(false);
    await one.close();
  }
  for (const other of [surface, ...others])
    expect(await other.read("george", gate.id), other.name).toMatchObject({
      state: "closed",
      resolution: "approved",
      offers: false,
    });
}

async function onceEach(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open({ quorum: 2 });
  const attempt = attemptOn(gate, { key: randomUUID() });
  const replies = await Promise.all([surface.decide("grace", attempt), surface.decide("grace", attempt)]);
  const retry = await surface.decide("grace", attempt);
  for (const reply of [...replies, retry]) {
    if (surface.can.follows) continue;
    expect(["accepted", "duplicate"], reply.text).toContain(reply.receipt);
  }
  expect(replies.some((reply) => reply.receipt === "accepted")).toBe(true);
  if (surface.can.key) expect(retry.receipt).toBe("accepted");
  expect(await stand.votes(gate.id)).toHaveLength(1);
  expect(await stand.rowOf(gate.id)).toMatchObject({ state: "open" });

  const two = await stand.open();
  const both = await Promise.all(["grace", "george"].map((who) => surface.decide(who, attemptOn(two))));
  expect(both.filter((reply) => reply.receipt === "accepted")).toHaveLength(1);
  for (const reply of both.filter((one) => one.receipt !== "accepted")) expectRefused(surface, reply, "already-decided");
  await expectClosedOnce(context, two, "approved");
  expect((await stand.decisions(two.id)).filter((one) => one.counted)).toHaveLength(1);
}

async function lookingDecidesNothing(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open();
  await surface.lookAround("grace", gate.id, gate.digest);
  await expectUntouched(context, gate);
  expectTaken(await surface.decide("grace", attemptOn(gate)));
}

async function malformedLeavesItWaiting(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open();
  const replies = await surface.malformed("grace", gate.id, gate.digest);
  expect(replies.length).toBeGreaterThan(4);
  for (const reply of replies) expect(reply.refused, reply.text).toBe(true);
  await expectUntouched(context, gate);
  expectTaken(await surface.decide("grace", attemptOn(gate)));
  if (surface.can.inputs) await inputsWithinBounds(context);
}

const share = { name: "share", title: "Share of the payments", type: "number", min: 0.01, max: 0.5, required: true } as const;

/** What the policy lets an approver set: nothing is accepted until all of it is within its bounds. */
async function inputsWithinBounds(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open({ inputs: [share] });
  for (const inputs of [{}, { share: 0.9 }, { share: "half" }]) {
    const reply = await surface.decide("grace", attemptOn(gate, { inputs }));
    expect(reply, `${surface.name}: ${reply.text}`).toMatchObject({ refused: true, text: expect.stringContaining("share") });
  }
  await expectUntouched(context, gate);
  expectTaken(await surface.decide("grace", attemptOn(gate, { inputs: { share: 0.2 } })));
  expect((await stand.rowOf(gate.id)).outcome).toMatchObject({ by: "grace", inputs: { share: 0.2 } });
}

/** Neither by a starter that starts again, nor by a second freezing, nor in the database. */
async function nothingIsEdited({ stand, surface }: Context): Promise<void> {
  const gate = await stand.open({ quorum: 2 });
  const { request } = await stand.rowOf(gate.id);
  const easier = { ...(await stand.requestFor({ quorum: 1 })), ask: "Something else?" };
  await expect(stand.startGate(gate.id, easier)).rejects.toThrow(/already/i);
  expect(await stand.world.records.freezeExternalGate({ gate: gate.id, external: easier })).toEqual({
    ok: true,
    digest: gate.digest,
  });
  const { db } = stand.world;
  for (const change of [
    { request: JSON.stringify({ ...request, deciders: { groups: ["product"], quorum: 1 } }) },
    { request_digest: `sha256:${"0".repeat(64)}` as const },
    { subject_digest: `sha256:${"0".repeat(64)}` as const },
  ])
    await expect(db.updateTable("gates").set(change).where("id", "=", gate.id).execute()).rejects.toThrow(/frozen/);
  for (const method of ["PUT", "PATCH", "DELETE"]) {
    const headers = { authorization: `Bearer ${stand.site.tokens["olga"]}`, "content-type": "application/json" };
    const answer = await fetch(`${stand.site.url}/api/gates/${gate.id}`, { method, headers, body: "{}" });
    expect(answer.status).toBe(405);
  }
  expectTaken(await surface.decide("grace", attemptOn(gate)));
  const after = await stand.rowOf(gate.id);
  expect(after).toMatchObject({ state: "open", request_digest: gate.digest });
  expect(digestOfJson(after.request)).toBe(gate.digest);
}

/** A request that went stale and was asked anew, of a release that waits. */
async function noReplay(context: Context): Promise<void> {
  const { stand, surface } = context;
  const { first, second } = await stand.askedAnew();
  const key = randomUUID();
  const old = await surface.decide("grace", attemptOn(first, { key }));
  expectRefused(surface, old, "superseded");
  const replayed = await surface.decide("grace", attemptOn(second, { digest: first.digest, key }));
  expectRefused(surface, replayed, "superseded");
  await expectUntouched(context, second);
  const anew = surface.can.key ? { key: randomUUID() } : {};
  expectTaken(await surface.decide("grace", attemptOn(second, anew)));
  if (surface.can.withdraw) await takenBackStaysBack(context);
}

/** A retry of what was taken back gives the first answer where a key says that it is one, and counts nowhere again. */
async function takenBackStaysBack({ stand, surface }: Context): Promise<void> {
  const gate = await stand.open({ quorum: 2 });
  const attempt = attemptOn(gate, { key: randomUUID() });
  expectTaken(await surface.decide("grace", attempt));
  const back = await surface.withdraw?.("grace", { gate: gate.id, reason: "a second thought" });
  expect(back?.refused, back?.text).toBe(false);
  expect(await stand.votes(gate.id)).toEqual([]);
  if (surface.can.key) {
    expect((await surface.decide("grace", attempt)).receipt).toBe("accepted");
    expect(await stand.votes(gate.id)).toEqual([]);
  }
  const late = await surface.withdraw?.("grace", { gate: gate.id, reason: "once more" });
  expect(late?.refused, late?.text).toBe(true);
  expectTaken(await surface.decide("grace", attemptOn(gate, { decision: "reject", reason: "the sum is wrong" })));
  expect(await stand.rowOf(gate.id)).toMatchObject({ state: "closed", resolution: "rejected" });
}

async function afterTheEnd(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open();
  expectTaken(await surface.decide("grace", attemptOn(gate, { decision: "reject", reason: "the sum is wrong" })));
  await gate.handle.result();
  const late = await surface.decide("george", attemptOn(gate));
  expectRefused(surface, late, "already-decided");
  if (late.receipt !== null) expect(late.text).toMatch(/by grace/);
  const signed = stand.sign("george", gate);
  await expect(gate.handle.executeUpdate("decide", { args: [signed], updateId: signed.id })).rejects.toThrow();
  await expectClosedOnce(context, gate, "rejected");
}

async function crowd(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open();
  const people = ["grace", "george", "olga"];
  const attempts = Array.from({ length: surface.crowd }, (_, index) =>
    surface.decide(people[index % people.length] ?? "grace", attemptOn(gate)),
  );
  const replies = await Promise.all(attempts);
  const counted = new Map<string, number>();
  for (const { receipt, text } of replies) {
    if (!surface.can.follows) expect(receipt, text).not.toBeNull();
    counted.set(receipt ?? "none", (counted.get(receipt ?? "none") ?? 0) + 1);
  }
  expect([...counted.keys()].toSorted()).toSatisfy((kinds: string[]) =>
    kinds.every((kind) => ["accepted", "duplicate", "already-decided", "not-allowed", "none"].includes(kind)),
  );
  expect(counted.get("accepted")).toBe(1);
  await expectClosedOnce(context, gate, "approved");
  expect((await stand.decisions(gate.id)).filter((one) => one.counted)).toHaveLength(1);
}

async function reasonsAreNeeded(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open({ escalation: [{ groups: ["product"], afterMs: 3_000_000 }] });
  for (const decision of ["reject", "request-changes", "escalate"] as const)
    for (const reason of [undefined, "", "   "]) {
      if (decision === "escalate" && !surface.can.escalate) continue;
      const reply = await surface.decide("grace", attemptOn(gate, { decision, ...(reason !== undefined && { reason }) }));
      expect(reply.refused, `${decision} ${reply.text}`).toBe(true);
      expect([null, "invalid"]).toContain(reply.receipt);
    }
  await expectUntouched(context, gate);
  expect((await stand.rowOf(gate.id)).escalation_level).toBe(0);
  expectTaken(await surface.decide("grace", attemptOn(gate, { decision: "reject", reason: "the sum is wrong" })));
}

/** Every kind of refusal, as the surface tells it. */
async function refusalsAreNone(context: Context): Promise<void> {
  const { stand, surface } = context;
  const gate = await stand.open({ quorum: 2 }, { contributors: [{ principal: "george", how: "made the file" }] });
  const refused = async (who: string, receipt: string, more: Parameters<typeof attemptOn>[1] = {}) =>
    expectRefused(surface, await surface.decide(who, attemptOn(gate, more)), receipt);
  await refused("olga", "not-allowed");
  await refused("george", "self");
  if (!surface.can.follows) await refused("grace", "stale", { digest: `sha256:${"1".repeat(64)}` });
  expectTaken(await surface.decide("grace", attemptOn(gate)));
  await refused("grace", "already-voted", { decision: "reject", reason: "the sum is wrong" });
  if (!surface.can.follows)
    expect((await stand.attempts(gate.id)).map((row) => row.receipt).toSorted()).toEqual([
      "already-voted",
      "not-allowed",
      "self",
      "stale",
    ]);
  const expiring = await stand.open({ deadlineMs: 300, onDeadline: "reject", remindAt: [] });
  await until("the deadline", () => Promise.resolve(new Date().toISOString() > expiring.deadline));
  expectRefused(surface, await surface.decide("grace", attemptOn(expiring)), "expired");
}
