import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { refuseAttempt } from "../../domain/attempt.ts";
import type { DecisionKind } from "../../domain/gate.ts";
import type { Digest } from "../../domain/ids.ts";
import type { GateRule } from "../../domain/policy.ts";
import type { DecisionCommand } from "../../domain/signed-command.ts";
import { until } from "../world/until.ts";
import { castPeople } from "./cast.ts";
import { factsOf, happen, names, take, type Model, type Name, type Real } from "./gate-model.ts";
import { openStand, type ConformanceStand } from "./stand.ts";
import type { Reply } from "./surface.ts";
import { createApiSurface } from "./surfaces/api.ts";

const unknown: Digest = `sha256:${"7".repeat(64)}`;

/**
 * Random sequences of decisions, withdrawals, duplicates, timers, changes of membership and crashes,
 * carried out on the tables of `domain/` and on the real gate, and compared after each step.
 * A longer run: `npm run conformance -- --long`. A failing run tells its seed and path.
 */
const long = process.env["COUNTERSIGN_CONFORMANCE_RUNS"];
const runs = long === undefined ? 10 : Number(long);
const seed = Number(process.env["COUNTERSIGN_CONFORMANCE_SEED"] ?? 20_261_122);

let stand: ConformanceStand;
beforeAll(async () => {
  stand = await openStand();
}, 120_000);
afterAll(() => stand?.close());

async function compare(model: Model, real: Real): Promise<void> {
  const row = await stand.rowOf(real.gate.id);
  expect({ state: row.state, resolution: row.resolution, level: row.escalation_level }).toEqual({
    state: model.state,
    resolution: model.resolution,
    level: model.level,
  });
  const votes = await stand.votes(real.gate.id);
  expect(votes.map((vote) => `${vote.principal_id} ${vote.decision}`).toSorted()).toEqual(
    model.votes.map((vote) => `${vote.principal} ${vote.decision}`).toSorted(),
  );
}

type Step = fc.AsyncCommand<Model, Real>;

/** One step; after it the two are compared. */
function step(words: string, work: (model: Model, real: Real) => Promise<void>): Step {
  return {
    check: () => true,
    async run(model, real) {
      await work(model, real);
      await compare(model, real);
    },
    toString: () => words,
  };
}

/** Just after a crash it is not known at once; who asks again under the same key is told. */
function untilKnown(ask: () => Promise<Reply>): Promise<Reply> {
  return until("what became of it is known", async () => {
    const answer = await ask();
    return answer.receipt === "pending" ? null : answer;
  });
}

const decideStep = (who: Name, decision: DecisionKind, right: boolean): Step =>
  step(`${who} ${decision}${right ? "" : " (another digest)"}`, async (model, real) => {
    const digest = right ? real.gate.digest : unknown;
    const wanted = refuseAttempt(factsOf(model, real, { who, decision, digest }))?.receipt ?? "accepted";
    const key = randomUUID();
    const attempt = { gate: real.gate.id, digest, decision, reason: "because", key };
    const reply = await untilKnown(() => real.api.decide(real.cast.ids[who], attempt));
    expect(reply.receipt, reply.text).toBe(wanted);
    real.last = { who, key, decision, digest, receipt: reply.receipt };
    if (wanted === "accepted") take(model, real, { who, decision, command: key });
  });

/** The same key and body again: the first answer, and nothing happens. */
const again: Step = step("the same again", async (_model, real) => {
  if (!real.last) return;
  const { who, key, decision, digest, receipt } = real.last;
  const attempt = { gate: real.gate.id, digest, decision, reason: "because", key };
  expect((await real.api.decide(real.cast.ids[who], attempt)).receipt).toBe(receipt);
});

const withdrawStep = (who: Name): Step =>
  step(`${who} takes back`, async (model, real) => {
    const asked = { gate: real.gate.id, reason: "a second thought", key: randomUUID() };
    const reply = await untilKnown(() => real.api.withdraw!(real.cast.ids[who], asked));
    const at = model.votes.findIndex((vote) => vote.who === who);
    expect(reply.refused, reply.text).toBe(model.state === "closed" || at < 0);
    if (model.state === "closed" || at < 0) return;
    happen(model, "decision-withdrawn");
    model.votes.splice(at, 1);
  });

const moveStep = (who: Name, way: "leaves" | "joins"): Step =>
  step(`${who} ${way}`, async (model, real) => {
    const { risk } = real.groups;
    const member = model.members[who];
    if (member.groups.includes(risk) === (way === "joins")) return;
    if (way === "leaves") await real.cast.leave(who, risk);
    else await real.cast.join(who, risk);
    member.groups = way === "leaves" ? member.groups.filter((group) => group !== risk) : [...member.groups, risk];
    member.held = member.held.filter((group) => member.groups.includes(group) && way === "leaves");
  });

/** A timer that fires before its time, and one that nobody froze. */
const strayTimers: Step = step("stray timers", async (_model, real) => {
  const { timeline = [] } = (await stand.rowOf(real.gate.id)).request;
  for (const due of [...timeline, { kind: "deadline" as const, at: "2020-01-01T00:00:00.000Z", step: 1 }])
    await stand.world.records.fallDue({ gate: real.gate.id, due });
});

/** The answer of the activity was lost: Temporal runs it again with all that had arrived. */
const retried: Step = step("the closing is run again", async (_model, real) => {
  const rows = await stand.world.db.selectFrom("commands").select("signed").where("gate_id", "=", real.gate.id).execute();
  const commands = rows.flatMap(({ signed }) => (signed?.body.kind === "decide" ? [signed as DecisionCommand] : []));
  await stand.world.records.closeGate({ gate: real.gate.id, commands });
});

const crash: Step = step("the workers are gone and come back", async () => {
  await stand.world.restartWorkers();
});

const deciding = fc.constantFrom(...names);
const steps = [
  fc
    .record({
      who: deciding,
      decision: fc.constantFrom<DecisionKind>("approve", "approve", "approve", "reject", "request-changes", "escalate"),
      right: fc.integer({ min: 0, max: 7 }).map((value) => value > 0),
    })
    .map(({ who, decision, right }) => decideStep(who, decision, right)),
  fc.constant(again),
  deciding.map(withdrawStep),
  fc
    .record({ who: fc.constantFrom<Name>("ann", "bob", "cat", "pat"), way: fc.constantFrom("leaves" as const, "joins" as const) })
    .map(({ who, way }) => moveStep(who, way)),
  fc.constant(strayTimers),
  fc.constant(retried),
  ...(long === undefined ? [] : [fc.constant(crash)]),
];

const ruleShapes: Partial<GateRule>[] = [
  { quorum: 1 },
  { quorum: 2 },
  { quorum: 3, rejections: 2 },
  { quorum: 2, rejections: 2 },
];

async function begin(shape: Partial<GateRule>): Promise<{ model: Model; real: Real }> {
  const suffix = randomUUID().slice(0, 8);
  const groups = { risk: `risk-${suffix}`, product: `product-${suffix}` };
  const { risk, product } = groups;
  const member = { groups: [risk], roles: ["operator" as const] };
  const cast = await castPeople<Name>(stand.world.db, {
    ann: member,
    bob: member,
    cat: member,
    dan: { groups: [], roles: ["operator"] },
    pat: { groups: [product], roles: ["operator"] },
    out: { groups: [], roles: ["operator"] },
    con: member,
    bot: { ...member, kind: "machine" },
  });
  await stand.world.db
    .insertInto("delegations")
    .values({
      id: `dlg_${suffix}`,
      from_principal: cast.ids.ann,
      to_principal: cast.ids.dan,
      model: null,
      reason: "away",
      until: new Date(Date.now() + 3_600_000),
      created_by: cast.ids.ann,
    })
    .execute();
  const change: Partial<GateRule> = { ...shape, groups: [risk], escalation: [{ groups: [product], afterMs: 3_000_000 }] };
  const gate = await stand.open(change, { contributors: [{ principal: cast.ids.con, how: "made it" }] });
  const { deciders } = (await stand.rowOf(gate.id)).request;
  const rule: GateRule = { name: "r", ask: "", deadlineMs: 0, onDeadline: "hold", ...deciders };
  const members = Object.fromEntries(
    names.map((name) => {
      const held = name === "pat" ? [product] : ["dan", "out"].includes(name) ? [] : [risk];
      return [name, { groups: held, held }];
    }),
  ) as Model["members"];
  const api = createApiSurface({ url: stand.site.url, tokens: cast.tokens });
  return {
    model: { state: "open", resolution: null, level: 0, votes: [], members },
    real: { gate, rule, groups, cast, api, last: null },
  };
}

it(
  "the real gate does what the tables say, whatever happens in whatever order",
  async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...ruleShapes),
      fc.commands(steps, { maxCommands: long === undefined ? 12 : 30 }),
      async (shape, commands) => {
        const made = await begin(shape);
        await fc.asyncModelRun(() => made, commands);
        const { model, real } = made;
        if (model.state === "closed") expect(await real.gate.handle.result()).toMatchObject({ resolution: model.resolution });
        else await real.gate.handle.terminate("The run is over.");
      },
    );
    await fc.assert(property, { numRuns: runs, seed, endOnFailure: long === undefined });
  },
  long === undefined ? 120_000 : 3_600_000,
);

it("goes on where it was after all workers crashed between two votes", async () => {
  const { model, real } = await begin({ quorum: 2 });
  await decideStep("ann", "approve", true).run(model, real);
  await crash.run(model, real);
  await until("the workers answer", async () => (await real.gate.handle.query<{ votes: number }>("state")).votes === 1);
  await decideStep("bob", "approve", true).run(model, real);
  expect(model.resolution).toBe("approved");
});
