import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type Db } from "../../db/database.ts";
import { attemptFacts, readAttempt } from "../../db/reads/attempt-facts.ts";
import { gateVisible, readGates } from "../../db/reads/gates.ts";
import { readableModels } from "../../db/rights.ts";
import { refuseAttempt } from "../../domain/attempt.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { digestFor, groups, namesOf, world, writeWorld, type Group, type RandomGate, type RandomWorld } from "./rights-world.ts";

/**
 * Who may see and who may decide, in random worlds: what the lists say, what each gate by itself says
 * and what an attempt is answered, compared with the rules as plainly as they can be written.
 */
let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url });
});
afterAll(async () => {
  await db?.destroy();
  await database?.drop();
});

/* The reference: no SQL, no code of the product. */

const isMember = (drawn: RandomWorld, who: number, group: Group) =>
  ["early", "late"].includes(drawn.people[who]?.member[group] ?? "none");
const belongs = (drawn: RandomWorld, who: number, among: Group[]) => among.some((group) => isMember(drawn, who, group));
const belongsSinceOpening = (drawn: RandomWorld, who: number, among: Group[]) =>
  among.some((group) => drawn.people[who]?.member[group] === "early");
const decidingGroups = (gate: RandomGate) => [...gate.groups, ...gate.oneFromEach, ...(gate.escalated ? gate.escalation : [])];
const hasContributed = (gate: RandomGate, who: number) =>
  gate.excluded.includes(who) || (gate.model !== null && gate.contributed.includes(who));
const isBarred = (drawn: RandomWorld, gate: RandomGate, who: number) =>
  gate.barredPeople.includes(who) || belongs(drawn, who, gate.barredGroups);
const decides = (drawn: RandomWorld, gate: RandomGate, who: number) =>
  gate.people.includes(who) || belongsSinceOpening(drawn, who, decidingGroups(gate));

/** Those who delegated to somebody what may be used at this gate. */
function giversAt(drawn: RandomWorld, gate: RandomGate, who: number): number[] {
  if (isBarred(drawn, gate, who)) return [];
  return drawn.delegations
    .filter(({ to, model, state }) => to === who && state === "standing" && (model === null || model === gate.model))
    .map(({ from }) => from)
    .filter((from) => !drawn.people[from]?.machine && decides(drawn, gate, from))
    .filter((from) => !isBarred(drawn, gate, from) && !hasContributed(gate, from));
}

function mayDecide(drawn: RandomWorld, gate: RandomGate, who: number): boolean {
  const isOver = gate.state.startsWith("closed") || !["none", "held past its deadline"].includes(gate.trouble);
  const hasVoted = gate.votes.some((vote) => vote.by === who);
  if (isOver || hasVoted || hasContributed(gate, who)) return false;
  const isAllowed = !drawn.people[who]?.machine || gate.machines;
  if (isAllowed && decides(drawn, gate, who) && !isBarred(drawn, gate, who)) return true;
  return giversAt(drawn, gate, who).some((giver) => !gate.votes.some((vote) => vote.by === giver || vote.onBehalfOf === giver));
}

function readsModel(drawn: RandomWorld, about: number, who: number): boolean {
  const model = drawn.models[about];
  if (!model) return false;
  if (isMember(drawn, who, model.owner) || belongs(drawn, who, model.groups) || model.people.includes(who)) return true;
  return drawn.gates.some((gate) => gate.model === about && isNamed(drawn, gate, who));
}

function isNamed(drawn: RandomWorld, gate: RandomGate, who: number): boolean {
  return gate.people.includes(who) || belongs(drawn, who, decidingGroups(gate));
}

function readsGate(drawn: RandomWorld, gate: RandomGate, who: number): boolean {
  if (gate.model !== null && readsModel(drawn, gate.model, who)) return true;
  if (isNamed(drawn, gate, who) || (gate.owner !== null && isMember(drawn, who, gate.owner))) return true;
  // A delegate sees what she may decide on, and what became of it.
  return gate.state !== "closed long ago" && giversAt(drawn, gate, who).length > 0;
}

/* What the product says. */

let run = 0;
async function compare(drawn: RandomWorld): Promise<void> {
  const names = namesOf(++run);
  await writeWorld(db, drawn, names);
  for (const who of drawn.people.keys()) {
    const principal = names.person(who);
    const own = groups.filter((group) => isMember(drawn, who, group)).map(names.group);
    const reader = { principal, groups: own, all: false };
    const models = await readableModels(db, reader);
    const indices = [...drawn.gates.keys()];
    const idsOf = (rule: (gate: RandomGate) => boolean) =>
      drawn.gates.flatMap((gate, index) => (rule(gate) ? [names.gate(index)] : []));
    const at = new Date().toISOString();
    const page = { limit: 100, after: null };
    const mine = await readGates(db, { ...reader, models: null }, { ...page, decidableAt: at });
    const listed = await readGates(db, { ...reader, models }, page);
    const told: Record<string, string[]> = { visible: [], decidable: [] };
    for (const gate of indices.map(names.gate)) {
      if (await gateVisible(db, { ...reader, models: null }, gate)) told["visible"]?.push(gate);
      const row = await readAttempt(db, gate, principal);
      if (!row) throw new Error(`${gate} is not there.`);
      const refusal = refuseAttempt(attemptFacts(row, { gate, principal, decision: "approve", digest: digestFor(gate), at }));
      if (refusal === null) told["decidable"]?.push(gate);
    }
    const ofThisRun = <Row extends { id: string }>(rows: Row[]) => rows.map((row) => row.id).toSorted();
    const expected = {
      models: ([0, 1] as const).filter((about) => readsModel(drawn, about, who)).map(names.model),
      visible: idsOf((gate) => readsGate(drawn, gate, who)),
      decidable: idsOf((gate) => mayDecide(drawn, gate, who)),
    };
    expect([principal, { models: models.toSorted(), visible: ofThisRun(listed), decidable: ofThisRun(mine) }]).toEqual([
      principal,
      expected,
    ]);
    expect([principal, told]).toEqual([principal, { visible: expected.visible, decidable: expected.decidable }]);
    // Nobody is asked to decide on what she cannot see.
    expect(expected.decidable.filter((gate) => !expected.visible.includes(gate))).toEqual([]);
  }
}

test("lists, single gates and answers say what the plain rules say, in any world", async () => {
  await fc.assert(fc.asyncProperty(world, compare), {
    numRuns: Number(process.env["COUNTERSIGN_WORLDS"] ?? 25),
    endOnFailure: true,
  });
});

const nobody = { a: "none", b: "none", c: "none" } as const;
const plainGate: RandomGate = {
  model: 0,
  groups: [],
  oneFromEach: [],
  people: [],
  barredGroups: [],
  barredPeople: [],
  machines: false,
  escalation: [],
  escalated: false,
  owner: null,
  excluded: [],
  contributed: [],
  votes: [],
  state: "open",
  trouble: "none",
};
/** Person 0 is of group a since long before; person 1 of none, and her delegate where there is a delegation. */
const plain = (change: Partial<RandomWorld>): RandomWorld => ({
  people: [
    { machine: false, member: { ...nobody, a: "early" } },
    ...Array.from({ length: 4 }, () => ({ machine: false, member: nobody })),
  ],
  models: [
    { owner: "c", groups: [], people: [] },
    { owner: "c", groups: [], people: [] },
  ],
  gates: [plainGate],
  delegations: [{ from: 0, to: 1, model: null, state: "standing" }],
  ...change,
});

test.each<[string, RandomWorld]>([
  [
    "a delegation for one model opens no gate of another",
    plain({
      delegations: [{ from: 0, to: 1, model: 1, state: "standing" }],
      gates: [
        { ...plainGate, groups: ["a"] },
        { ...plainGate, groups: ["a"], model: 1 },
        { ...plainGate, groups: ["a"], model: null },
      ],
    }),
  ],
  ["the delegate of a named person sees and decides", plain({ gates: [{ ...plainGate, people: [0] }] })],
  ["the delegate of one from each group sees and decides", plain({ gates: [{ ...plainGate, oneFromEach: ["a", "b"] }] })],
  [
    "the delegate of a group to which it was escalated sees and decides",
    plain({ gates: [{ ...plainGate, groups: ["b"], escalation: ["a"], escalated: true }] }),
  ],
  [
    "who joined later, contributed or is barred finds nothing among what is hers to decide",
    plain({
      people: [
        { machine: false, member: { ...nobody, a: "late" } },
        { machine: false, member: { ...nobody, a: "early" } },
        { machine: false, member: { ...nobody, a: "early", b: "late" } },
        ...Array.from({ length: 2 }, () => ({ machine: false, member: nobody })),
      ],
      delegations: [],
      gates: [{ ...plainGate, groups: ["a"], excluded: [1], barredGroups: ["b"] }],
    }),
  ],
  [
    "a delegate of two votes for the one who has not voted",
    plain({
      people: [
        { machine: false, member: { ...nobody, a: "early" } },
        { machine: false, member: nobody },
        { machine: false, member: { ...nobody, a: "early" } },
        ...Array.from({ length: 2 }, () => ({ machine: false, member: nobody })),
      ],
      delegations: [
        { from: 0, to: 1, model: null, state: "standing" },
        { from: 2, to: 1, model: null, state: "standing" },
      ],
      gates: [{ ...plainGate, groups: ["a"], votes: [{ by: 0, onBehalfOf: null }] }],
    }),
  ],
  [
    "whom a policy names reads the model",
    plain({
      models: [
        { owner: "c", groups: [], people: [3] },
        { owner: "b", groups: [], people: [] },
      ],
    }),
  ],
])("%s", async (_, drawn) => {
  await expect(compare(drawn)).resolves.toBeUndefined();
});
