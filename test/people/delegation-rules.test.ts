import { describe, expect, test } from "vitest";
import { delegationFaults, delegationState } from "../../domain/delegation-rules.ts";

describe("a delegation", () => {
  const now = "2026-11-22T12:00:00.000Z";
  const later = (days: number) => new Date(Date.parse(now) + days * 86_400_000).toISOString();
  const grace = { id: "grace", kind: "person" as const };
  const ben = { id: "ben", kind: "person" as const, active: true };
  const faults = (change: object) =>
    delegationFaults({ from: grace, to: ben, until: later(7), now, ...change }).map((one) => `${one.path}: ${one.message}`);

  test("goes from one person to another for at most 60 days", () => {
    expect(faults({})).toEqual([]);
    expect(faults({ until: later(60) })).toEqual([]);
    expect(faults({ until: later(61) })).toEqual(["until: is more than 60 days away"]);
    expect(faults({ until: now })).toEqual(["until: has passed already"]);
  });

  test("never goes to oneself, to a machine, to somebody unknown or gone, nor from a machine", () => {
    expect(faults({ to: { ...ben, id: "grace" } })).toEqual(["to: is yourself"]);
    expect(faults({ to: { ...ben, kind: "machine" } })).toEqual(["to: is a machine; only people decide for others"]);
    expect(faults({ to: null })).toEqual(["to: is not known here"]);
    expect(faults({ to: { ...ben, active: false } })).toEqual(["to: has left"]);
    expect(faults({ from: { id: "ci", kind: "machine" } })).toEqual([": machines delegate nothing"]);
  });

  test("stands until its time is over or it is revoked", () => {
    expect(delegationState({ until: later(1), revokedAt: null, now })).toBe("standing");
    expect(delegationState({ until: later(-1), revokedAt: null, now })).toBe("ended");
    expect(delegationState({ until: later(1), revokedAt: now, now })).toBe("revoked");
  });
});
