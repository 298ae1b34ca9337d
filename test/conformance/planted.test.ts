import type { KyselyPlugin, PluginTransformQueryArgs, RootOperationNode } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { createRecordActivities } from "../../activities/record/record-activities.ts";
import type { RecordActivities } from "../../activities/contract.ts";
import type { AttemptRow } from "../../db/reads/attempt-facts.ts";
import type { AttemptFacts } from "../../domain/attempt.ts";
import type { QuorumRule, Vote } from "../../domain/quorum.ts";
import type { GateRule } from "../../domain/policy.ts";
import type * as attemptFacts from "../../db/reads/attempt-facts.ts";
import type * as attempt from "../../domain/attempt.ts";
import type * as quorum from "../../domain/quorum.ts";
import { createRegistry, type Registry } from "../records/registry.ts";
import { openPlantedGate } from "./planted-gate.ts";

/**
 * Bugs that other products had, each planted into the product's own rules, and the points that catch
 * them. A suite that stays green with one of these in place would prove nothing.
 */
const defect = vi.hoisted(() => ({ now: "none" }));

vi.mock("../../domain/attempt.ts", async (original) => {
  const real = await original<typeof attempt>();
  const bent = (facts: AttemptFacts): AttemptFacts => {
    switch (defect.now) {
      case "the digest is not compared":
        return { ...facts, asked: { ...facts.asked, digest: facts.gate.digest } };
      case "who contributed may decide at the closing":
        return { ...facts, excluded: [] };
      case "the deadline goes by the worker's clock":
        return { ...facts, asked: { ...facts.asked, at: new Date().toISOString() } };
      case "the deadline is not looked at":
        return { ...facts, lastMoment: null };
      case "the second vote of a person is taken":
        return { ...facts, ownVote: null };
      default:
        return facts;
    }
  };
  return { ...real, refuseAttempt: (facts: AttemptFacts) => real.refuseAttempt(bent(facts)) };
});

vi.mock("../../domain/quorum.ts", async (original) => {
  const real = await original<typeof quorum>();
  const bentVotes = (votes: Vote[]): Vote[] =>
    defect.now === "votes are counted, and not people"
      ? votes.map((vote) => ({ ...vote, principal: vote.command, onBehalfOf: null }))
      : votes;
  const bentRule = (rule: QuorumRule): QuorumRule => {
    if (defect.now === "two of one group stand for two groups") return { ...rule, oneFromEach: [] };
    if (defect.now === "the policy is read at the closing") return { ...rule, quorum: 1 };
    return rule;
  };
  return { ...real, resolve: (votes: Vote[], rule: QuorumRule) => real.resolve(bentVotes(votes), bentRule(rule)) };
});

vi.mock("../../db/reads/attempt-facts.ts", async (original) => {
  const real = await original<typeof attemptFacts>();
  return {
    ...real,
    async readAttempt(...[db, gate, principal]: Parameters<typeof real.readAttempt>): Promise<AttemptRow | null> {
      const row = await real.readAttempt(db, gate, principal);
      if (row && defect.now === "who joins later gains a vote") return withStanding(row, row.groups);
      if (!row || defect.now !== "membership is read at the opening only") return row;
      const { opened_at } = await db.selectFrom("gates").select("opened_at").where("id", "=", gate).executeTakeFirstOrThrow();
      const then = await db
        .selectFrom("group_members")
        .select("group_id")
        .where("principal_id", "=", principal)
        .where("since", "<=", opened_at ?? new Date())
        .execute();
      const groups = then.map((one) => one.group_id);
      return withStanding({ ...row, groups }, groups);
    },
  };
});

/** As if these groups were held all the time. */
function withStanding(row: AttemptRow, held: string[]): AttemptRow {
  const { groups: deciding } = row.request.deciders;
  const groups = held.filter((group) => deciding.includes(group));
  return { ...row, standings: groups.length > 0 ? [{ groups, onBehalfOf: null }] : [] };
}

const reading = new WeakSet<object>();

/** What a statement's defects are: the row's lock taken out of it, or a closed gate not noticed by whoever locked its row. */
const bentStatements: KyselyPlugin = {
  transformQuery({ node, queryId }: PluginTransformQueryArgs): RootOperationNode {
    if (node.kind !== "SelectQueryNode" || node.endModifiers === undefined) return node;
    reading.add(queryId);
    return defect.now === "it is checked and then acted on, without the row's lock" ? { ...node, endModifiers: [] } : node;
  },
  transformResult({ result, queryId }) {
    const blind = defect.now === "a late timer acts on a closed gate" && reading.has(queryId);
    return Promise.resolve(blind ? { ...result, rows: result.rows.map((row) => ({ ...row, state: "open" })) } : result);
  },
};

const nobody = { by: null, at: "", reason: null, inputs: {}, conditions: [] };

/** The answer goes out while the work is still in memory, and is lost with the process. */
function withEarlyAnswers(real: RecordActivities): RecordActivities {
  return {
    ...real,
    closeGate: (input) =>
      defect.now === "the answer goes out before it is written"
        ? Promise.resolve({ kind: "closed", resolution: "approved", at: new Date().toISOString(), outcome: nobody })
        : real.closeGate(input),
  };
}

let registry: Registry;
let records: RecordActivities;
let number = 0;
beforeAll(async () => {
  registry = await createRegistry();
  const { verifier } = registry;
  const db = registry.db.withPlugin(bentStatements);
  records = withEarlyAnswers(createRecordActivities({ db, store: registry.store, verifier, sealer: registry.sealer }));
});
afterAll(() => registry?.stop());
afterEach(() => void (defect.now = "none"));

const open = (change: Partial<GateRule> = {}, contributors: { principal: string; how: string }[] = []) => {
  number += 1;
  return openPlantedGate({ registry, records, number, change, contributors });
};

const setMember = (principal: string, until: Date | null) =>
  registry.db
    .updateTable("group_members")
    .set({ until })
    .where("principal_id", "=", principal)
    .where("group_id", "=", "model-risk")
    .execute();

/** The points, at the transactions that keep them; each throws where its bug is. */
const points: Record<string, () => Promise<void>> = {
  async "what was seen is what is signed"() {
    const gate = await open();
    await gate.close(gate.sign("grace", { digest: `sha256:${"b".repeat(64)}` }));
    expect((await gate.row()).state).toBe("open");
  },
  async "who left during the wait does not count"() {
    const gate = await open({ quorum: 2 });
    await gate.close(gate.sign("grace"));
    await setMember("grace", new Date());
    try {
      await gate.close(gate.sign("george"));
      expect((await gate.row()).state).toBe("open");
    } finally {
      await setMember("grace", null);
    }
  },
  async "who joined during the wait does not count"() {
    const gate = await open();
    const member = { group_id: "model-risk", principal_id: "pia", since: new Date() };
    await registry.db.insertInto("group_members").values(member).execute();
    try {
      await gate.close(gate.sign("pia"));
      expect((await gate.row()).state).toBe("open");
    } finally {
      await registry.adminDb
        .deleteFrom("group_members")
        .where("principal_id", "=", "pia")
        .where("group_id", "=", "model-risk")
        .execute();
    }
  },
  async "who contributed does not count"() {
    const gate = await open({}, [{ principal: "grace", how: "made it" }]);
    await gate.close(gate.sign("grace"));
    expect((await gate.row()).state).toBe("open");
  },
  async "one person fills one place"() {
    const gate = await open({ quorum: 2 });
    await gate.close(gate.sign("grace"));
    const again = await gate.close(gate.sign("grace")).catch(() => null);
    expect((await gate.row()).state).toBe("open");
    expect(again).toMatchObject({ kind: "open", dropped: [{ why: expect.stringContaining("already") }] });
  },
  async "people are counted, not votes"() {
    const gate = await open({ quorum: 2, groups: ["model-risk", "product"] });
    const { resolve } = await import("../../domain/quorum.ts");
    const vote = (command: string): Vote => ({
      command,
      principal: "grace",
      decision: "approve",
      at: "",
      groups: ["model-risk"],
    });
    expect(resolve([vote("a"), vote("b")], (await gate.row()).request.deciders).resolution).toBeNull();
  },
  async "two of one group are not one of each"() {
    const gate = await open({ quorum: 2, groups: ["model-risk", "product"], oneFromEach: ["model-risk", "product"] });
    await gate.close(gate.sign("grace"));
    await gate.close(gate.sign("george"));
    expect((await gate.row()).state).toBe("open");
  },
  async "the rule is the one that was frozen"() {
    const gate = await open({ quorum: 2 });
    await gate.close(gate.sign("grace"));
    expect((await gate.row()).state).toBe("open");
  },
  async "a deadline takes what was made before it, and nothing else"() {
    const gate = await open({ deadlineMs: 30, onDeadline: "reject" });
    const { deadline } = (await gate.row()).request;
    await vi.waitUntil(() => new Date().toISOString() > deadline);
    await gate.close(gate.sign("george", { at: new Date(Date.parse(deadline) + 1).toISOString() }));
    expect((await gate.row()).state).toBe("open");
    await gate.close(gate.sign("grace", { at: deadline }));
    expect((await gate.row()).resolution).toBe("approved");
  },
  async "a timer that is left over does nothing"() {
    const gate = await open({ deadlineMs: 800, onDeadline: "reject" });
    const { deadline } = (await gate.row()).request;
    await gate.close(gate.sign("grace"));
    await vi.waitUntil(() => new Date().toISOString() > deadline, { timeout: 5_000 });
    const due = { kind: "deadline" as const, at: deadline, step: 1 };
    expect(await records.fallDue({ gate: gate.gate, due })).toMatchObject({ kind: "closed", resolution: "approved" });
  },
  async "what is answered is written"() {
    const gate = await open();
    const answer = await gate.close(gate.sign("grace"));
    expect(answer).toMatchObject({ kind: "closed", resolution: "approved" });
    expect((await gate.row()).resolution).toBe("approved");
  },
  async "of two in the same instant one closes the gate"() {
    for (let round = 0; round < 8; round++) {
      const gate = await open();
      const answers = await Promise.allSettled([gate.close(gate.sign("grace")), gate.close(gate.sign("george"))]);
      expect(answers.map((one) => one.status)).toEqual(["fulfilled", "fulfilled"]);
      expect(await gate.counted()).toBe(1);
    }
  },
};

/** Each defect, and a point that must catch it. */
const planted: [string, string][] = [
  ["the digest is not compared", "what was seen is what is signed"],
  ["membership is read at the opening only", "who left during the wait does not count"],
  ["who joins later gains a vote", "who joined during the wait does not count"],
  ["who contributed may decide at the closing", "who contributed does not count"],
  ["the second vote of a person is taken", "one person fills one place"],
  ["votes are counted, and not people", "people are counted, not votes"],
  ["two of one group stand for two groups", "two of one group are not one of each"],
  ["the policy is read at the closing", "the rule is the one that was frozen"],
  ["the deadline goes by the worker's clock", "a deadline takes what was made before it, and nothing else"],
  ["the deadline is not looked at", "a deadline takes what was made before it, and nothing else"],
  ["a late timer acts on a closed gate", "a timer that is left over does nothing"],
  ["the answer goes out before it is written", "what is answered is written"],
  ["it is checked and then acted on, without the row's lock", "of two in the same instant one closes the gate"],
];

describe("a bug that another product had", () => {
  it.each(Object.keys(points))("is not in this one: %s", async (point) => {
    expect.hasAssertions();
    await points[point]?.();
  });

  it.each(planted)("is caught when it is planted: %s", async (bug, point) => {
    defect.now = bug;
    await expect(points[point]?.(), `"${point}" held with the bug in place`).rejects.toThrow();
  });
});
