import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GateView } from "../../domain/http/gate-views.ts";
import type { DefinitionAppliedView, ModelView } from "../../domain/http/model-views.ts";
import type { PolicyProposedView, PolicyTestView, PolicyView } from "../../domain/http/policy-views.ts";
import type { Problem } from "../../domain/http/problem.ts";
import type { Page } from "../../domain/http/record-views.ts";
import type { AuthoredPolicy } from "../../domain/policy-schema.ts";
import { apply, decide, requestRelease, smallModel, untilState } from "../world/models.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";
import { approve, authored, openGate } from "./proposing.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
}, 120_000);
afterAll(async () => {
  await world?.stop();
});

function propose(as: string, document: AuthoredPolicy, key?: string) {
  return world.as(as).put<PolicyProposedView & Problem>(`/api/policies/${document.policy}`, document, key);
}

const policy = async (id: string) => (await world.as("pia").get<PolicyView>(`/api/policies/${id}`)).body;

describe("a new version of a policy", () => {
  test("passes the gate of the one in force before it governs anything, and its proposer does not decide", async () => {
    const document = { ...authored("medium-integrated"), title: "Medium risk, integrated: with a shorter deadline." };
    const proposed = await propose("grace", document, "medium-integrated-2");
    expect(proposed).toMatchObject({
      status: 202,
      body: { policy: "medium-integrated", version: 2, published: false, gate: "policy.medium-integrated.1" },
    });
    const replayed = await propose("grace", document, "medium-integrated-2");
    expect(replayed.body).toEqual(proposed.body);

    const gate = await openGate(world, "policy.medium-integrated.1");
    expect(gate).toMatchObject({
      subject: { kind: "policy", id: "medium-integrated", digest: proposed.body.digest },
      request: {
        policy: { id: "medium-integrated", version: 1 },
        deciders: { groups: ["model-risk"] },
        excluded: [{ principal: "grace", why: "proposed this policy" }],
      },
    });
    const details = gate.request.evidence.details ?? [];
    expect(details[0]?.text).toContain("with a shorter deadline");
    const self = await decide(world.as("grace"), gate, { decision: "approve" });
    expect(self).toMatchObject({ status: 403, body: { code: "self" } });
    expect(await policy("medium-integrated")).toMatchObject({
      version: 1,
      waiting: { gate: gate.id, version: 2, proposedBy: "grace" },
    });

    await approve(world, "george", gate.id);
    const published = await until("the second version", async () => {
      const found = await policy("medium-integrated");
      return found.version === 2 && found;
    });
    expect(published).toMatchObject({
      digest: proposed.body.digest,
      publishedBy: "grace",
      waiting: null,
      governs: [{ maturity: "integrated", team: null }],
      versions: [{ version: 2 }, { version: 1 }],
    });
    const { body } = await world
      .as("olga")
      .get<Page<{ kind: string; actor: string; data: object }>>("/api/audit?kind=policy.published&limit=50");
    expect(body.items.at(-1)).toMatchObject({ actor: "grace", data: { gate: gate.id } });
  });

  test("takes the place of one that waits, and a rejected one is never published", async () => {
    const first = await propose("olga", { ...authored("low-optimized"), title: "Low risk, optimized: the first idea." });
    const second = await propose("olga", { ...authored("low-optimized"), title: "Low risk, optimized: the second idea." });
    expect([first.body.gate, second.body.gate]).toEqual(["policy.low-optimized.1", "policy.low-optimized.2"]);
    const old = await until("the first is closed", async () => {
      const { body } = await world.as("grace").get<GateView>("/api/gates/policy.low-optimized.1");
      return body.state === "closed" && body;
    });
    expect(old).toMatchObject({ resolution: "superseded", supersededBy: "policy.low-optimized.2" });
    const late = await decide(world.as("grace"), old, { decision: "approve" });
    expect(late).toMatchObject({ status: 409, body: { code: "superseded" } });
    const rejected = await decide(world.as("grace"), await openGate(world, "policy.low-optimized.2"), {
      decision: "reject",
      reason: "no need for it",
    });
    expect(rejected.body).toMatchObject({ receipt: "accepted" });
    expect(await policy("low-optimized")).toMatchObject({ version: 1, waiting: null });
  });

  test("under another name passes the gate of the one in whose place it would step", async () => {
    const document = { ...authored("low-initial"), policy: "lenient", tier: "high" as const, maturities: ["optimized" as const] };
    const gates = [
      { name: "promotion", after: "evaluate" as const, ask: "May this version go on?", people: ["pia"], deadline: "1d" },
    ];
    const { change: _, ...without } = document;
    const { body } = await propose("grace", { ...without, gates });
    expect(body.gate).toBe("policy.lenient.1");
    // Two approvals, one of model-risk: as high-optimized asks.
    expect((await openGate(world, "policy.lenient.1")).request).toMatchObject({
      policy: { id: "high-optimized" },
      deciders: { quorum: 2 },
    });
  });

  test("is refused with every fault at its line: unknown groups and people, quorums that nobody could give", async () => {
    const document = {
      ...authored("medium-managed"),
      owner: "modelrisk",
      gates: [
        {
          name: "promotion",
          after: "evaluate" as const,
          ask: "May this version go on?",
          groups: ["model-risk"],
          quorum: 4,
          deadline: "7d",
        },
        {
          name: "second",
          after: "evaluate" as const,
          ask: "May this version go on?",
          groups: ["nobody"],
          people: ["grce"],
          deadline: "7d",
        },
      ],
    };
    const { status, body } = await propose("olga", document);
    expect(status).toBe(422);
    const { errors } = body;
    expect(errors?.map((one) => [one.path, one.message])).toEqual([
      ["owner", "names no known group (modelrisk). Did you mean `model-risk`?"],
      ["gates[0].quorum", "can never be met. Only 2 people may decide; 2 approvals by model-risk cannot be given."],
      ["gates[1].groups[0]", "names no known group (nobody)."],
      ["gates[1].people[0]", "names nobody known (grce). Did you mean `grace`?"],
    ]);
    for (const { column } of errors ?? []) expect(column).toBeGreaterThan(1);
  });

  test("is proposed by its owners and admins alone, in order, and under its own tier", async () => {
    expect(await propose("pia", { ...authored("medium-managed"), title: "Something that pia would like." })).toMatchObject({
      status: 403,
    });
    expect(await propose("olga", authored("medium-managed"))).toMatchObject({ status: 200, body: { version: 1, gate: null } });
    const again = await propose("olga", { ...authored("medium-managed"), version: 7 });
    expect(again).toMatchObject({ status: 422, body: { errors: [{ path: "version", message: "is 7; the next one is 2" }] } });
    const moved = await propose("olga", { ...authored("medium-managed"), tier: "high" });
    expect(moved).toMatchObject({ status: 422, body: { errors: [{ path: "tier" }] } });
    expect(await world.as("olga").get("/api/policies/no-such-policy")).toMatchObject({ status: 404 });
  });
});

describe("a definition", () => {
  test("that is loosened is in force once the gate of its policy is approved, and a newer change takes its place", async () => {
    const definition = await smallModel("loosened", "medium");
    definition.evaluate.thresholds = { auc: { pass: 0.7, fail: 0.6 } };
    await apply(world, definition);
    const inForce = async () => (await world.as("ada").get<ModelView>("/api/models/loosened")).body;
    const before = (await inForce()).definitionDigest;

    const softer = structuredClone(definition);
    softer.evaluate.thresholds = { auc: { pass: 0.5, fail: 0.4 } };
    const first = await world.as("ada").put<DefinitionAppliedView>("/api/models/loosened", softer);
    expect(first).toMatchObject({
      status: 202,
      body: {
        gate: "loosened.definition.1",
        governed: [
          { path: "evaluate.thresholds.auc.fail", direction: "loosened" },
          { path: "evaluate.thresholds.auc.pass", direction: "loosened" },
        ],
      },
    });
    expect((await inForce()).definitionDigest).toBe(before);

    const lower = structuredClone(softer);
    lower.tier = "low";
    const second = await world.as("ada").put<DefinitionAppliedView>("/api/models/loosened", lower);
    expect(second).toMatchObject({ status: 202, body: { gate: "loosened.definition.2" } });
    const gate = await openGate(world, "loosened.definition.2");
    expect(gate.request).toMatchObject({
      policy: { id: "medium-managed" },
      excluded: [{ principal: "ada" }, { principal: "ben" }],
      evidence: {
        details: [
          { title: "Governed fields", text: expect.stringContaining("loosened: tier goes from medium to low.") },
          { title: "Everything else" },
        ],
      },
    });
    await approve(world, "grace", gate.id);
    await until("the definition is in force", async () => (await inForce()).tier === "low");
    expect(await inForce()).toMatchObject({ definitionDigest: second.body.definitionDigest });
    // The lifecycle knows it as well: the release is pinned to it and asks nobody.
    const release = await requestRelease(world, "loosened");
    expect(await untilState(world, release, ["ended"])).toMatchObject({ outcome: "promoted", gates: [] });
  }, 90_000);

  test("that is tightened, or applied again, is in force at once and ends what waits", async () => {
    const definition = await smallModel("tightened", "medium");
    await apply(world, definition);
    const other = structuredClone(definition);
    other.split.holdout = 0.2;
    expect(await world.as("ada").put("/api/models/tightened", other)).toMatchObject({
      status: 202,
      body: { gate: "tightened.definition.1" },
    });
    const stricter = structuredClone(definition);
    stricter.tier = "high";
    const answer = await world.as("ada").put<DefinitionAppliedView>("/api/models/tightened", stricter);
    expect(answer).toMatchObject({ status: 200, body: { gate: null, governed: [{ path: "tier", direction: "tightened" }] } });
    expect((await world.as("grace").get<GateView>("/api/gates/tightened.definition.1")).body).toMatchObject({
      resolution: "superseded",
    });

    const back = structuredClone(stricter);
    back.tier = "medium";
    expect(await world.as("ada").put("/api/models/tightened", back)).toMatchObject({
      status: 202,
      body: { gate: "tightened.definition.2" },
    });
    expect(await world.as("ada").put("/api/models/tightened", stricter)).toMatchObject({ status: 200, body: { gate: null } });
    expect((await world.as("grace").get<GateView>("/api/gates/tightened.definition.2")).body).toMatchObject({
      resolution: "withdrawn",
    });
  });
});

describe("a policy is tried", () => {
  const tryOn = (id: string, body: object) => world.as("ada").post<PolicyTestView & Problem>(`/api/policies/${id}/test`, body);

  test("on sample evidence: whom it would ask, and why", async () => {
    expect((await tryOn("low-initial", {})).body).toMatchObject({
      evidence: { sample: "ordinary" },
      summary: "No person is asked: the release goes through, and that is on record.",
    });
    expect((await tryOn("high-integrated", { sample: "drift" })).body).toMatchObject({
      policy: { version: 1 },
      gates: [
        { name: "data", needed: true, why: "1 finding of drift is open.", mayDecide: ["george", "grace"] },
        {
          name: "promotion",
          needed: true,
          quorum: expect.stringContaining("2 approvals"),
          mayDecide: ["george", "grace", "pia"],
          undecidable: null,
        },
      ],
    });
    expect((await tryOn("high-integrated", { sample: "ordinary" })).body.gates[0]).toMatchObject({ needed: false });
  });

  test("as a text that is not published, on a recorded release, without those who contributed", async () => {
    const document = authored("low-optimized");
    const answer = await tryOn("low-optimized", { document, release: "loosened.1" });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        policy: { version: null },
        gates: [
          {
            name: "promotion",
            needed: true,
            why: expect.stringContaining("this is its first release"),
            barred: expect.arrayContaining([expect.objectContaining({ principal: "ada" })]),
          },
        ],
      },
    });
    expect(await tryOn("low-optimized", { document: { ...document, tier: "middle" } })).toMatchObject({
      status: 422,
      body: { errors: [{ path: "document.tier" }] },
    });
    expect(await tryOn("low-optimized", { release: "no-such-model.1" })).toMatchObject({ status: 404 });
    expect(await tryOn("low-optimized", { release: "loosened.1", sample: "drift" })).toMatchObject({ status: 422 });
  });
});
