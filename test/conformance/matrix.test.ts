import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { insertGate } from "../../activities/gate/insert-gate.ts";
import { inTransaction } from "../../activities/record/transaction.ts";
import { attemptFacts, readAttempt } from "../../db/reads/attempt-facts.ts";
import { refuseAttempt } from "../../domain/attempt.ts";
import { decisionKinds, receiptStatus, type DecisionKind, type ReceiptKind } from "../../domain/gate.ts";
import type { Digest } from "../../domain/ids.ts";
import type { GateRule } from "../../domain/policy.ts";
import { model } from "../records/passage.ts";
import { castPeople } from "./cast.ts";
import { openStand, type AskedGate, type ConformanceStand } from "./stand.ts";
import { createApiSurface } from "./surfaces/api.ts";

/** Decision × state × relation of the actor × digest, against the API, the rule's own answer, and what is written here. */
const relations = [
  "decider",
  "outsider",
  "late",
  "left",
  "contributor",
  "machine",
  "barred",
  "delegate",
  "borrower",
  "owner",
] as const;
type Relation = (typeof relations)[number];
const states = ["open", "voted", "stale", "too-old", "past", "overdue", "approved", "rejected", "expired", "superseded"] as const;
type State = (typeof states)[number];
const digests = ["present", "earlier", "unknown"] as const;
type WhichDigest = (typeof digests)[number];

const group = "matrix";
const unknown: Digest = `sha256:${"9".repeat(64)}`;
let stand: ConformanceStand;
let cast: Awaited<ReturnType<typeof makeCast>>;
let gates: Record<State, AskedGate & { earlier: Digest }>;
let surface: ReturnType<typeof createApiSurface>;
let number = 0;

beforeAll(async () => {
  stand = await openStand();
  await stand.applyExample();
  cast = await makeCast();
  surface = createApiSurface({ url: stand.site.url, tokens: cast.tokens });
  gates = await makeGates();
  await cast.leave("left", group);
  await cast.join("late", group);
}, 120_000);
afterAll(() => stand?.close());

async function makeCast() {
  const member = { groups: [group] };
  const made = await castPeople(stand.world.db, {
    decider: member,
    outsider: { groups: [], roles: ["operator"] },
    late: { groups: [], roles: ["operator"] },
    left: { groups: [group], roles: ["operator"] },
    contributor: member,
    machine: { groups: [group], kind: "machine" },
    barred: member,
    delegate: { groups: [], roles: ["operator"] },
    borrower: { groups: [], roles: ["operator"] },
    owner: { groups: ["ml-engineering"] },
    giver: member,
    second: member,
    third: member,
  });
  const until = new Date(Date.now() + 3_600_000);
  const lend = (from: string, to: string) => ({
    id: `dlg_${from}`,
    from_principal: from,
    to_principal: to,
    model: null,
    reason: "away",
    until,
    created_by: from,
  });
  const { giver, delegate, contributor, borrower } = made.ids;
  await stand.world.db
    .insertInto("delegations")
    .values([lend(giver, delegate), lend(contributor, borrower)])
    .execute();
  return made;
}

/** A gate about the model, whose first request was asked anew; frozen, and opened by hand unless a workflow is to run. */
async function makeGate(change: Partial<GateRule>, runs = false): Promise<AskedGate & { earlier: Digest }> {
  number += 1;
  const release = `${model}.${number}`;
  const { contributor, barred } = cast.ids;
  const rule: GateRule = {
    name: `matrix-${String.fromCodePoint(96 + (number % 26) + 1)}${String.fromCodePoint(97 + Math.floor(number / 26))}`,
    ask: "May it?",
    groups: [group],
    quorum: 3,
    rejections: 3,
    barred: { groups: [], people: [barred] },
    escalation: [{ groups: ["platform-on-call"], afterMs: 3_000_000 }],
    deadlineMs: 3_600_000,
    onDeadline: "hold",
    ...change,
  };
  const asked = async (request: number) => {
    const id = `${release}.${rule.name}.${request}`;
    const { digest } = await inTransaction(stand.world.db, (unit) =>
      insertGate(unit, {
        id,
        number: request,
        subject: { kind: "payment-file", id: release, digest: unknown },
        model,
        release: null,
        rule,
        policy: { id: "medium-managed", version: 1, digest: unknown },
        why: `request ${request}`,
        evidence: stand.evidence,
        excluded: [{ principal: contributor, why: "made this file" }],
        ownerTeam: "ml-engineering",
      }),
    );
    return { id, digest, deadline: "", handle: stand.world.client.workflow.getHandle(`gate/${id}`) };
  };
  const first = await asked(1);
  await stand.world.db
    .updateTable("gates")
    .set({ state: "closed", resolution: "superseded", closed_at: new Date() })
    .where("id", "=", first.id)
    .execute();
  const second = await asked(2);
  if (runs) return { ...(await stand.openBy({ gate: second.id, digest: second.digest })), earlier: first.digest };
  await stand.world.records.openGate({ gate: second.id, runId: "by-hand" });
  return { ...second, earlier: first.digest };
}

async function makeGates(): Promise<typeof gates> {
  const { db, records } = stand.world;
  const { decider, second, third } = cast.ids;
  const close = (gate: AskedGate, change: Parameters<typeof stand.sign>[2], ...by: string[]) =>
    records.closeGate({ gate: gate.id, commands: by.map((who) => stand.sign(who, gate, { groups: [group], ...change })) });
  const open = await makeGate({}, true);
  const voted = await makeGate({}, true);
  await close(voted, {}, decider);
  const stale = await makeGate({});
  await db.updateTable("gates").set({ stale: "The champion changed." }).where("id", "=", stale.id).execute();
  const tooOld = await makeGate({ maxAgeMs: 1 });
  const past = await makeGate({ deadlineMs: 1, onDeadline: "reject" });
  const overdue = await makeGate({ deadlineMs: 1 }, true);
  const approved = await makeGate({});
  await close(approved, {}, decider, second, third);
  const rejected = await makeGate({});
  await close(rejected, { decision: "reject", reason: "no" }, decider, second, third);
  const expired = await makeGate({ deadlineMs: 1, onDeadline: "reject" });
  const due = { kind: "deadline" as const, at: (await stand.rowOf(expired.id)).request.deadline, step: 1 };
  await records.fallDue({ gate: expired.id, due });
  const superseded = await makeGate({});
  await db
    .updateTable("gates")
    .set({ state: "closed", resolution: "superseded", superseded_by: open.id, closed_at: new Date() })
    .where("id", "=", superseded.id)
    .execute();
  return { open, voted, stale, "too-old": tooOld, past, overdue, approved, rejected, expired, superseded };
}

/** By the published order of receipts, in this test's own words; null: it is taken. */
function expected(one: { relation: Relation; state: State; digest: WhichDigest; decision: DecisionKind }): ReceiptKind | null {
  const { relation, state, digest, decision } = one;
  const mayDecide = ["decider", "contributor", "delegate"].includes(relation);
  const asOwner = relation === "owner" && decision === "escalate";
  if (!mayDecide && !asOwner) return "not-allowed";
  if (relation === "contributor") return "self";
  if (digest === "earlier" || state === "superseded") return "superseded";
  if (state === "expired" || state === "past") return "expired";
  if (state === "approved" || state === "rejected") return "already-decided";
  if (digest === "unknown" || state === "stale" || state === "too-old") return "stale";
  if (state === "voted" && relation === "decider" && decision === "approve") return "duplicate";
  if (state === "voted" && relation === "decider" && decision !== "escalate") return "already-voted";
  return null;
}

const attemptOf = (gate: AskedGate & { earlier: Digest }, digest: WhichDigest, decision: DecisionKind) => ({
  gate: gate.id,
  digest: { present: gate.digest, earlier: gate.earlier, unknown }[digest],
  decision,
  reason: "because",
});

/** What the rule says of the facts in the database at this moment. */
async function ruled(who: string, attempt: ReturnType<typeof attemptOf>): Promise<ReceiptKind | null> {
  const row = await readAttempt(stand.world.db, attempt.gate, who);
  if (!row) throw new Error(`There is no ${attempt.gate}.`);
  const asked = { ...attempt, principal: who, at: new Date().toISOString() };
  return refuseAttempt(attemptFacts(row, asked))?.receipt ?? null;
}

describe.each(states)("a gate that is %s", (state) => {
  it.each(relations)("answers a %s by the published order, whatever she decides on whichever request", async (relation) => {
    const who = cast.ids[relation];
    const combinations = digests.flatMap((digest) => decisionKinds.map((decision) => ({ digest, decision })));
    await Promise.all(
      combinations.map(async ({ digest, decision }) => {
        const attempt = attemptOf(gates[state], digest, decision);
        const wanted = expected({ relation, state, digest, decision });
        const said = `${relation} ${decision} ${digest} on ${state}`;
        expect(await ruled(who, attempt), `the rule: ${said}`).toBe(wanted);
        if (wanted === null) return;
        const reply = await surface.decide(who, attempt);
        expect(reply.receipt, `${said}: ${reply.text}`).toBe(wanted);
        expect(reply.refused, said).toBe(receiptStatus[wanted] >= 400);
      }),
    );
  });
});

const taken = states.flatMap((state) =>
  relations.flatMap((relation) =>
    decisionKinds
      .filter((decision) => expected({ relation, state, digest: "present", decision }) === null)
      .map((decision) => ({ state, relation, decision })),
  ),
);

it("takes what the order lets pass, each on a gate of its own", async () => {
  expect(taken.length).toBeGreaterThan(15);
  const rules: Partial<Record<State, Partial<GateRule>>> = { overdue: { deadlineMs: 1 } };
  const takes = async ({ state, relation, decision }: (typeof taken)[number]) => {
    // The people who joined and left after the opening have done so: none of them is among these.
    const gate = await makeGate(rules[state] ?? {}, true);
    if (state === "voted")
      await stand.world.records.closeGate({
        gate: gate.id,
        commands: [stand.sign(cast.ids.decider, gate, { groups: [group] })],
      });
    const reply = await surface.decide(cast.ids[relation], attemptOf(gate, "present", decision));
    expect({ receipt: reply.receipt, refused: reply.refused }, `${relation} ${decision} on ${state}: ${reply.text}`).toEqual({
      receipt: "accepted",
      refused: false,
    });
  };
  const left = [...taken];
  const lane = async () => {
    for (let next = left.shift(); next; next = left.shift()) await takes(next);
  };
  await Promise.all(Array.from({ length: 5 }, lane));
}, 60_000);
