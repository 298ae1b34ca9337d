import { describe, expect, test } from "vitest";
import { impossibleQuorum, resolve, type QuorumRule, type Vote } from "../../domain/quorum.ts";

const rule: QuorumRule = { groups: ["model-risk", "product"], quorum: 2, oneFromEach: ["model-risk", "product"] };

function vote(principal: string, groups: string[], change: Partial<Vote> = {}): Vote {
  return { command: `cmd-${principal}`, principal, decision: "approve", at: "2026-01-01T00:00:00.000Z", groups, ...change };
}

describe("one from each of two groups", () => {
  test("is not met by two of one group, and says who is missing", () => {
    const tally = resolve([vote("grace", ["model-risk"]), vote("george", ["model-risk"])], rule);
    expect(tally).toMatchObject({ resolution: null, missing: 1, missingWords: ["1 approval by product"] });
  });

  test("is not met by one person of both groups", () => {
    expect(resolve([vote("grace", ["model-risk", "product"])], rule)).toMatchObject({ resolution: null, missing: 1 });
  });

  test("gives a person of both groups the place that lets the other one count", () => {
    const both = vote("grace", ["model-risk", "product"]);
    for (const other of [vote("pia", ["product"]), vote("george", ["model-risk"])])
      expect(resolve([both, other], rule)).toMatchObject({ resolution: "approved", by: { principal: other.principal } });
  });

  test("can be filled by the group that escalation added", () => {
    const votes = [vote("grace", ["model-risk"]), vote("olga", ["platform"])];
    expect(resolve(votes, rule).resolution).toBeNull();
    expect(resolve(votes, { ...rule, escalatedTo: ["platform"] }).resolution).toBe("approved");
  });

  test("with a quorum of three wants a third person from anywhere", () => {
    const two = [vote("grace", ["model-risk"]), vote("pia", ["product"])];
    const three = { ...rule, quorum: 3 };
    expect(resolve(two, three)).toMatchObject({ missing: 1, missingWords: ["1 approval by model-risk or product"] });
    expect(resolve([...two, vote("george", ["model-risk"])], three).resolution).toBe("approved");
  });
});

describe("one person counts once", () => {
  const two: QuorumRule = { groups: ["model-risk"], quorum: 2 };

  test("also when she votes again", () => {
    expect(resolve([vote("grace", ["model-risk"]), vote("grace", ["model-risk"])], two).resolution).toBeNull();
  });

  test("also when her delegate votes beside her", () => {
    const delegate = vote("pia", ["model-risk"], { onBehalfOf: "grace" });
    expect(resolve([vote("grace", ["model-risk"]), delegate], two).resolution).toBeNull();
  });

  test("also when she is the delegate of two", () => {
    const votes = [vote("pia", ["model-risk"], { onBehalfOf: "grace" }), vote("pia", ["model-risk"], { onBehalfOf: "george" })];
    expect(resolve(votes, two).resolution).toBeNull();
  });
});

test("one rejection closes, unless the rule asks for more; then as many people as it asks for", () => {
  const grace = vote("grace", ["model-risk"], { decision: "reject" });
  const george = vote("george", ["model-risk"], { decision: "reject" });
  expect(resolve([grace], rule).resolution).toBe("rejected");
  const patient = { ...rule, rejections: 2 };
  expect(resolve([grace, { ...grace, command: "again" }], patient).resolution).toBeNull();
  expect(resolve([grace, george], patient)).toMatchObject({ resolution: "rejected", by: { principal: "george" } });
});

test("a quorum that present people cannot complete is told, with what cannot be given", () => {
  const grace = { principal: "grace", groups: ["model-risk"] };
  expect(impossibleQuorum(rule, [grace])).toBe("Only 1 person may decide; 1 approval by product cannot be given.");
  expect(impossibleQuorum(rule, [grace, { principal: "pia", groups: ["product"] }])).toBeNull();
  expect(impossibleQuorum({ groups: [], people: ["grace"], quorum: 1 }, [{ principal: "grace", groups: [] }])).toBeNull();
});
