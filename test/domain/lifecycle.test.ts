import { describe, expect, it } from "vitest";
import { actionsOf, admitRequest } from "../../domain/lifecycle.ts";

const idle = { activeDefinition: null, activeHasParameters: false, queuedDefinition: null };

describe("a request for a release", () => {
  it("starts one when none is active", () => {
    expect(admitRequest(idle, { definition: "a", hasParameters: false })).toEqual({ kind: "start" });
  });

  it("folds into the active one when it asks for the same work", () => {
    expect(admitRequest({ ...idle, activeDefinition: "a" }, { definition: "a", hasParameters: false })).toEqual({
      kind: "fold",
      into: "active",
    });
  });

  it.each([
    ["a newer definition", { definition: "b", hasParameters: false }],
    ["parameters of its own", { definition: "a", hasParameters: true }],
  ])("with %s waits as the one queued release", (_, wanted) => {
    expect(admitRequest({ ...idle, activeDefinition: "a" }, wanted)).toEqual({ kind: "queue" });
    expect(admitRequest({ ...idle, activeDefinition: "a", queuedDefinition: "a" }, wanted)).toEqual({
      kind: "fold",
      into: "queued",
    });
  });
});

describe("what may be asked of a release", () => {
  it("is nothing once it ended, and a retry only while it is blocked", () => {
    expect(actionsOf("ended")).toEqual([]);
    expect(actionsOf("running")).toEqual(["withdraw"]);
    expect(actionsOf("blocked")).toEqual(["retry", "skip", "abandon", "withdraw"]);
  });
});
