import fc from "fast-check";
import { sql } from "kysely";
import type { Db } from "../../db/database.ts";
import { exampleDefinition } from "../records/registry.ts";

/** A small company at one moment, drawn at random; all names are prefixed with the run, so that worlds share a database. */
export interface RandomWorld {
  people: { machine: boolean; member: Record<Group, Membership> }[];
  /** Of the models m0 and m1: which group owns it, and who decides by the policy in force. */
  models: { owner: Group; groups: Group[]; people: number[] }[];
  gates: RandomGate[];
  delegations: { from: number; to: number; model: 0 | 1 | null; state: "standing" | "over" | "revoked" | "to come" }[];
}

export interface RandomGate {
  model: 0 | 1 | null;
  groups: Group[];
  oneFromEach: Group[];
  people: number[];
  barredGroups: Group[];
  barredPeople: number[];
  machines: boolean;
  escalation: Group[];
  escalated: boolean;
  owner: Group | null;
  /** Before it was frozen. */
  excluded: number[];
  /** Since, to its release. */
  contributed: number[];
  votes: { by: number; onBehalfOf: number | null }[];
  state: "opening" | "open" | "closed long ago" | "closed now";
  trouble: "none" | "stale" | "superseded" | "past its deadline" | "past its age" | "held past its deadline";
}

export const groups = ["a", "b", "c"] as const;
export type Group = (typeof groups)[number];
export type Membership = "none" | "early" | "late" | "ended";

const person = fc.nat({ max: 4 });
const some = <Value>(one: fc.Arbitrary<Value>) => fc.uniqueArray(one, { maxLength: 2 });
function rarelySome<Value>(one: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant<Value[]>([]) }, { weight: 1, arbitrary: some(one) });
}
const group = fc.constantFrom(...groups);
const membership = fc.constantFrom<Membership>("none", "none", "early", "early", "late", "ended");
const model = fc.constantFrom(0 as const, 0 as const, 1 as const, null);

const gate: fc.Arbitrary<RandomGate> = fc.record({
  model,
  groups: some(group),
  oneFromEach: some(group),
  people: some(person),
  barredGroups: rarelySome(group),
  barredPeople: rarelySome(person),
  machines: fc.boolean(),
  escalation: some(group),
  escalated: fc.boolean(),
  owner: fc.option(group),
  excluded: rarelySome(person),
  contributed: rarelySome(person),
  votes: fc.array(fc.record({ by: person, onBehalfOf: fc.option(person, { freq: 2 }) }), { maxLength: 2 }).map(castable),
  state: fc.constantFrom("opening", "open", "open", "open", "closed long ago", "closed now"),
  trouble: fc.oneof(
    { weight: 5, arbitrary: fc.constant("none" as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "stale" as const,
        "superseded" as const,
        "past its deadline" as const,
        "past its age" as const,
        "held past its deadline" as const,
      ),
    },
  ),
});

/** A person votes once, and one votes for each. */
function castable(votes: RandomGate["votes"]): RandomGate["votes"] {
  const kept: RandomGate["votes"] = [];
  for (const { by, onBehalfOf } of votes) {
    const vote = { by, onBehalfOf: onBehalfOf === by ? null : onBehalfOf };
    const voice = vote.onBehalfOf ?? by;
    if (!kept.some((one) => one.by === by || (one.onBehalfOf ?? one.by) === voice)) kept.push(vote);
  }
  return kept;
}

export const world: fc.Arbitrary<RandomWorld> = fc.record({
  people: fc.array(
    fc.record({
      machine: fc.constantFrom(false, false, false, true),
      member: fc.record({ a: membership, b: membership, c: membership }),
    }),
    { minLength: 5, maxLength: 5 },
  ),
  models: fc.array(fc.record({ owner: group, groups: some(group), people: some(person) }), { minLength: 2, maxLength: 2 }),
  gates: fc.array(gate, { minLength: 1, maxLength: 3 }),
  delegations: fc.array(
    fc
      .record({
        from: person,
        to: person,
        model,
        state: fc.constantFrom("standing", "standing", "standing", "over", "revoked", "to come"),
      })
      .filter(({ from, to }) => from !== to),
    { maxLength: 4 },
  ),
});

export interface Names {
  person(index: number): string;
  group(name: Group): string;
  model(index: 0 | 1): string;
  gate(index: number): string;
}

export function namesOf(run: number): Names {
  return {
    person: (index) => `r${run}-p${index}`,
    group: (name) => `r${run}-${name}`,
    model: (index) => `r${run}-m${index}`,
    gate: (index) => `r${run}-m0.1.g.${index}`,
  };
}

const hourMs = 3_600_000;
const ago = (hours: number) => new Date(Date.now() - hours * hourMs).toISOString();
const digestOf = (letter: string) => `sha256:${letter.padStart(64, "0")}` as const;

/** The people joined 3 hours ago (early), the gates opened 2 hours ago, and one hour ago others joined (late). */
export async function writeWorld(db: Db, drawn: RandomWorld, names: Names): Promise<void> {
  await db
    .insertInto("groups")
    .values(groups.map((name) => ({ id: names.group(name) })))
    .execute();
  await db
    .insertInto("principals")
    .values(drawn.people.map(({ machine }, index) => principal(names.person(index), machine)))
    .execute();
  const members = drawn.people.flatMap(({ member }, index) =>
    groups
      .filter((name) => member[name] !== "none")
      .map((name) => ({
        group_id: names.group(name),
        principal_id: names.person(index),
        since: ago(member[name] === "late" ? 1 : 3),
        until: member[name] === "ended" ? ago(0.5) : null,
      })),
  );
  if (members.length > 0) await db.insertInto("group_members").values(members).execute();
  await writeModels(db, drawn, names);
  for (const index of drawn.gates.keys()) await writeGate(db, { drawn, index, names });
  const spans = { standing: [-4, 4], over: [-4, -1], revoked: [-4, 4], "to come": [1, 4] } as const;
  for (const [index, { from, to, model: about, state }] of drawn.delegations.entries())
    await db
      .insertInto("delegations")
      .values({
        id: `${names.person(from)}-${index}`,
        from_principal: names.person(from),
        to_principal: names.person(to),
        created_by: names.person(from),
        model: about === null ? null : names.model(about),
        reason: "away",
        since: ago(-spans[state][0]),
        until: ago(-spans[state][1]),
        ...(state === "revoked" && { revoked_at: new Date() }),
      })
      .execute();
}

function principal(id: string, machine: boolean) {
  return { id, kind: machine ? ("machine" as const) : ("person" as const), display_name: id, roles: [] };
}

/** A team of its own policy: the owner's group, whose policy names those who decide. */
async function writeModels(db: Db, drawn: RandomWorld, names: Names): Promise<void> {
  const definition = JSON.stringify(await exampleDefinition());
  for (const [at, { owner, groups: deciders, people }] of drawn.models.entries()) {
    const name = names.model(at === 0 ? 0 : 1);
    const maturity = at === 0 ? "managed" : "integrated";
    await sql`insert into models (name, owner_team, owner_person, tier, maturity, title, environment, state, definition_digest)
      values (${name}, ${names.group(owner)}, ${names.person(0)}, 'medium', ${maturity}, ${name}, 'production', 'active', ${digestOf("0")})`.execute(
      db,
    );
    await sql`insert into definitions (digest, model, body, applied_by) values (${digestOf("0")}, ${name}, ${definition}, ${names.person(0)})`.execute(
      db,
    );
    await db
      .insertInto("policies_in_force")
      .values({
        tier: "medium",
        maturity,
        team: names.group(owner),
        policy_id: "medium-managed",
        policy_version: 1,
        decider_groups: deciders.map(names.group),
        decider_people: people.map(names.person),
      })
      .execute();
  }
}

async function writeGate(db: Db, { drawn, index, names }: { drawn: RandomWorld; index: number; names: Names }): Promise<void> {
  const one = drawn.gates[index];
  if (!one) return;
  const id = names.gate(index);
  const model = one.model === null ? null : names.model(one.model);
  const release = model === null ? null : `${model}.${index + 1}`;
  if (release !== null) {
    await sql`insert into releases (id, model, number, state, outcome, trigger, reason, requested_by, definition_digest, policy_id, policy_version)
      values (${release}, ${model}, ${index + 1}, 'ended', 'kept', 'api', 'x', 'x', ${digestOf("0")}, 'medium-managed', 1)`.execute(
      db,
    );
    for (const who of one.contributed)
      await db
        .insertInto("contributors")
        .values({ release_id: release, principal_id: names.person(who), how: "retried a stage" })
        .execute();
  }
  const closedAt = one.state === "closed long ago" ? ago(1_000) : one.state === "closed now" ? ago(0) : null;
  await db
    .insertInto("gates")
    .values({
      id,
      release_id: release,
      model,
      name: `g${index}`,
      number: 1,
      subject_kind: "version",
      subject_id: id,
      subject_digest: digestOf("1"),
      state: closedAt === null ? (one.state === "opening" ? "opening" : "open") : "closed",
      resolution: closedAt === null ? null : "approved",
      request: JSON.stringify(requestOf(one, id, names)),
      request_digest: digestFor(id),
      created_at: ago(2),
      opened_at: one.state === "opening" ? null : ago(2),
      closed_at: closedAt,
      stale: one.trouble === "stale" ? "The champion changed." : null,
      superseded_by: one.trouble === "superseded" ? id : null,
    })
    .execute();
  if (one.escalated && one.escalation.length > 0)
    await db.updateTable("gates").set({ escalation_level: 1 }).where("id", "=", id).execute();
  for (const [at, { by, onBehalfOf }] of one.votes.entries())
    await sql`insert into votes (command_id, gate_id, principal_id, on_behalf_of, decision, groups, command, cast_at)
      values (${`${id}-${at}`}, ${id}, ${names.person(by)}, ${onBehalfOf === null ? null : names.person(onBehalfOf)}, 'approve', '{}', '{}', now())`.execute(
      db,
    );
}

/** Digests are unique; a gate's is made of its id. */
export function digestFor(id: string) {
  return digestOf(Buffer.from(id).toString("hex").slice(-60));
}

function requestOf(one: RandomGate, id: string, names: Names) {
  const ends = one.trouble === "past its deadline";
  return {
    gate: id,
    subject: { kind: "version", id, digest: digestOf("1") },
    ask: "May it?",
    why: "x",
    evidence: { recommendation: { verdict: "pass", sentence: "x" } },
    policy: { id: "medium-managed", version: 1, digest: digestOf("2") },
    deciders: {
      groups: one.groups.map(names.group),
      quorum: 3,
      ...(one.oneFromEach.length > 0 && { oneFromEach: one.oneFromEach.map(names.group) }),
      ...(one.people.length > 0 && { people: one.people.map(names.person) }),
      ...(one.barredGroups.length + one.barredPeople.length > 0 && {
        barred: { groups: one.barredGroups.map(names.group), people: one.barredPeople.map(names.person) },
      }),
      ...(one.machines && { machines: true }),
    },
    excluded: one.excluded.map((who) => ({ principal: names.person(who), why: "made it" })),
    opensAt: ago(2),
    deadline: one.trouble.includes("deadline") ? ago(0.1) : ago(-5),
    onDeadline: ends ? "reject" : "hold",
    ...(one.escalation.length > 0 && { escalation: [{ groups: one.escalation.map(names.group), afterMs: 1 }] }),
    ...(one.trouble === "past its age" && { expiresAt: ago(0.1) }),
    ...(one.owner !== null && { ownerTeam: names.group(one.owner) }),
  };
}
