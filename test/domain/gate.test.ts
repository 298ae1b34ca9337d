import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { refuseAttempt, type AttemptFacts } from "../../domain/attempt.ts";
import { decisionKinds, receiptStatus } from "../../domain/gate.ts";
import { resolve, type Vote } from "../../domain/quorum.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;

const at = "2026-01-01T00:00:00.000Z";

function facts(change: Partial<AttemptFacts> = {}): AttemptFacts {
  return {
    principal: { id: "grace", kind: "person", groups: ["model-risk"] },
    standing: { groups: ["model-risk"], onBehalfOf: null },
    barred: false,
    joinedLate: [],
    gate: { id: "flight-delays.1.promotion.1", state: "open", resolution: null, digest: digest("a") },
    deciders: { groups: ["model-risk"], quorum: 1 },
    escalatedTo: [],
    escalatable: false,
    ownerTeam: "ml-engineering",
    excluded: [{ principal: "ada", why: "requested this release" }],
    earlierDigests: [],
    supersededBy: null,
    closedBy: null,
    lastMoment: null,
    staleBecause: null,
    ownVote: null,
    asked: { decision: "approve", digest: digest("a"), at },
    ...change,
  };
}

describe("an attempt to decide", () => {
  it("is passed on when nothing speaks against it", () => {
    expect(refuseAttempt(facts())).toBeNull();
  });

  it.each([
    [
      "a machine",
      { standing: null, principal: { id: "ci", kind: "machine" as const, groups: ["model-risk"] } },
      "not-allowed",
      "machine",
    ],
    [
      "somebody outside the groups",
      { standing: null, principal: { id: "pia", kind: "person" as const, groups: ["product"] } },
      "not-allowed",
      "product",
    ],
    ["somebody who joined after the opening", { standing: null, joinedLate: ["model-risk"] }, "not-allowed", "joined"],
    ["somebody whom the policy bars", { standing: null, barred: true }, "not-allowed", "bars grace"],
    [
      "a contributor",
      { principal: { id: "ada", kind: "person" as const, groups: ["model-risk"] } },
      "self",
      "requested this release",
    ],
    [
      "a digest of an earlier request",
      { earlierDigests: [digest("b")], asked: { decision: "approve" as const, digest: digest("b"), at } },
      "superseded",
      "replaced",
    ],
    [
      "a gate that somebody closed",
      {
        gate: { id: "g", state: "closed" as const, resolution: "rejected" as const, digest: digest("a") },
        closedBy: { by: "george", at: "2026-01-01T00:00:00.000Z", how: "reject" as const },
      },
      "already-decided",
      "by george",
    ],
    [
      "a gate past its deadline",
      { gate: { id: "g", state: "closed" as const, resolution: "expired" as const, digest: digest("a") } },
      "expired",
      "deadline",
    ],
    [
      "a digest that was never this gate's",
      { asked: { decision: "approve" as const, digest: digest("c"), at } },
      "stale",
      "Read the gate again",
    ],
    ["the same vote again", { ownVote: { decision: "approve" as const, by: "grace" } }, "duplicate", "on record"],
    ["another vote", { ownVote: { decision: "reject" as const, by: "grace" } }, "already-voted", "You rejected before; withdraw"],
    // It read "Your approve is on record" and "ben decided approve in this place".
    ["a vote in the name of another", { ownVote: { decision: "approve" as const, by: "ben" } }, "duplicate", "ben's approval is"],
    [
      "another's other vote",
      { ownVote: { decision: "reject" as const, by: "ben" } },
      "already-voted",
      "ben rejected already and counts once",
    ],
  ])("by or on %s is refused with its own receipt", (_, change, receipt, words) => {
    const refusal = refuseAttempt(facts(change));
    expect(refusal?.receipt).toBe(receipt);
    expect(refusal?.message).toContain(words);
  });

  it("is answered by the first reason of the published order, whatever else holds too", () => {
    const everything = facts({
      principal: { id: "ada", kind: "person", groups: [] },
      standing: null,
      gate: { id: "g", state: "closed", resolution: "approved", digest: digest("a") },
      asked: { decision: "approve", digest: digest("b"), at },
      earlierDigests: [digest("b")],
      ownVote: { decision: "reject", by: "ada" },
    });
    expect(refuseAttempt(everything)?.receipt).toBe("not-allowed");
    const member = {
      ...everything,
      principal: { ...everything.principal, groups: ["model-risk"] },
      standing: { groups: ["model-risk"], onBehalfOf: null },
    };
    expect(refuseAttempt(member)?.receipt).toBe("self");
    const stranger = { ...member, principal: { ...member.principal, id: "grace" } };
    expect(refuseAttempt(stranger)?.receipt).toBe("superseded");
    expect(refuseAttempt({ ...stranger, earlierDigests: [] })?.receipt).toBe("already-decided");
  });

  it("to escalate where there is no further group is invalid before anything else is looked at", () => {
    const asked = { decision: "escalate" as const, digest: digest("a"), at };
    expect(refuseAttempt(facts({ asked, principal: { id: "ada", kind: "person", groups: [] } }))?.receipt).toBe("invalid");
  });

  it("in person is passed on although a delegate decided in the same name", () => {
    const ownVote = { decision: "approve" as const, by: "pia", onBehalfOf: "grace" };
    expect(refuseAttempt(facts({ ownVote }))).toBeNull();
    const georges = { ...ownVote, decision: "reject" as const, onBehalfOf: "george" };
    expect(refuseAttempt(facts({ ownVote: georges }))?.message).toContain("in the name of george");
  });

  it("that is refused is never answered with a 2xx, but for a duplicate", () => {
    for (const [receipt, status] of Object.entries(receiptStatus)) {
      const fine = ["accepted", "duplicate", "pending"].includes(receipt);
      expect(status < 300, receipt).toBe(fine);
    }
  });
});

describe("the votes of a gate", () => {
  const votes = fc.array(
    fc.record({
      principal: fc.constantFrom("grace", "george", "pia"),
      decision: fc.constantFrom(...decisionKinds),
      command: fc.uuid(),
      at: fc.constant("2026-01-01T00:00:00.000Z"),
    }),
    { maxLength: 12 },
  );

  it("approve only when as many different people as the quorum asks approved before anybody objected", () => {
    fc.assert(
      fc.property(votes, fc.integer({ min: 1, max: 3 }), (cast: Vote[], quorum) => {
        const { resolution, missing } = resolve(cast, { groups: [], quorum });
        const objection = cast.findIndex((vote) => vote.decision === "reject" || vote.decision === "request-changes");
        const before = objection < 0 ? cast : cast.slice(0, objection);
        const approvers = new Set(before.filter((vote) => vote.decision === "approve").map((vote) => vote.principal));
        if (approvers.size >= quorum) expect(resolution).toBe("approved");
        else if (objection >= 0)
          expect(resolution).toBe(cast[objection]?.decision === "reject" ? "rejected" : "changes-requested");
        else expect([resolution, missing]).toEqual([null, quorum - approvers.size]);
      }),
    );
  });

  it("keep their resolution, whatever is cast after it", () => {
    fc.assert(
      fc.property(votes, votes, fc.integer({ min: 1, max: 3 }), (first: Vote[], later: Vote[], quorum) => {
        const before = resolve(first, { groups: [], quorum }).resolution;
        if (before !== null) expect(resolve([...first, ...later], { groups: [], quorum }).resolution).toBe(before);
      }),
    );
  });
});
