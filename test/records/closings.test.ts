import { afterEach, beforeEach, expect, test } from "vitest";
import { canonicalJson } from "../../domain/canonical-json.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { putPromotionGate } from "../world/put-policy.ts";
import { applyExample, decision, model, waitAtGate, type OpenGate } from "./passage.ts";
import { auditKinds, createRegistry, twice, type Registry } from "./registry.ts";

let registry: Registry;

beforeEach(async () => {
  registry = await createRegistry();
  await applyExample(registry);
});

afterEach(() => registry.stop());

const readRow = (gate: string) => registry.db.selectFrom("gates").selectAll().where("id", "=", gate).executeTakeFirstOrThrow();
const readDecision = (command: string) =>
  registry.db.selectFrom("decisions").selectAll().where("command_id", "=", command).executeTakeFirst();
const readResult = (command: string) =>
  registry.db.selectFrom("command_results").selectAll().where("command_id", "=", command).executeTakeFirst();
const close = (at: OpenGate, ...commands: Parameters<Registry["records"]["closeGate"]>[0]["commands"]) =>
  twice(registry.db, () => registry.records.closeGate({ gate: at.gate, commands }));

/** A gate whose quorum is two, as a published policy may ask for. */
async function waitForTwo(): Promise<OpenGate> {
  await putPromotionGate(registry.db, { quorum: 2 });
  return waitAtGate(registry, 1);
}

test("one approval closes the gate, with everything on record", async () => {
  const at = await waitAtGate(registry, 1);
  const command = decision(registry, at, "grace", { seen: at.digest });
  expect(await close(at, command)).toMatchObject({ kind: "closed", resolution: "approved" });
  expect(await readDecision(command.id)).toMatchObject({
    counted: true,
    decision: "approve",
    groups_then: ["model-risk"],
    groups_at_close: ["model-risk"],
    token: command.signature,
  });
  expect((await readDecision(command.id))?.decided_at.toISOString()).toBe(command.at);
  expect(await readResult(command.id)).toMatchObject({
    ok: true,
    kind: "decide",
    result: { gate: at.gate, resolution: "approved", counted: true },
  });
  expect(await auditKinds(registry.db, at.gate)).toEqual(["gate.frozen", "gate.opened", "gate.decided", "gate.closed"]);
  const approval = await registry.db.selectFrom("approvals").selectAll().executeTakeFirstOrThrow();
  expect(approval).toMatchObject({
    version_id: at.release,
    kind: "gate",
    gate_id: at.gate,
    environment: "production",
    policy_id: "medium-managed",
  });
});

test("a rejection closes the gate and approves nothing", async () => {
  const at = await waitAtGate(registry, 1);
  const command = decision(registry, at, "george", { decision: "reject", reason: "worse on weekends" });
  expect(await close(at, command)).toMatchObject({ kind: "closed", resolution: "rejected" });
  expect(await registry.db.selectFrom("approvals").select("id").execute()).toEqual([]);
  expect(await registry.records.readGate({ gate: at.gate })).toMatchObject({
    state: "closed",
    resolution: "rejected",
    changes: null,
    outcome: { by: "george", reason: "worse on weekends" },
  });
});

test.each([
  ["without a signature", (command: ReturnType<typeof decision>) => ({ ...command, signature: "" })],
  ["by another name than signed", (command: ReturnType<typeof decision>) => ({ ...command, principal: "george" })],
  ["with groups added", (command: ReturnType<typeof decision>) => ({ ...command, groups: [...command.groups, "product"] })],
  [
    "with another decision",
    (command: ReturnType<typeof decision>) => ({
      ...command,
      body: { ...command.body, decision: "reject" as const, reason: "no" },
    }),
  ],
  ["at another time", (command: ReturnType<typeof decision>) => ({ ...command, at: "2020-01-01T00:00:00.000Z" })],
])("a forged decision %s counts nothing and is on record", async (_, forge) => {
  const at = await waitAtGate(registry, 1);
  const command = decision(registry, at, "grace");
  const answer = await close(at, forge(command));
  expect(answer).toMatchObject({ kind: "open", dropped: [{ command: command.id }] });
  expect(await readDecision(command.id)).toBeUndefined();
  expect(await readResult(command.id)).toBeUndefined();
  expect((await auditKinds(registry.db, at.gate)).at(-1)).toBe("message.refused");
  expect(await close(at, command)).toMatchObject({ kind: "closed", resolution: "approved" });
});

test("whatever a forger sends instead of a decision is refused without a fault", async () => {
  const at = await waitAtGate(registry, 1);
  const rubbish = [
    null,
    {},
    { id: "x" },
    { id: 1, body: { kind: "decide" } },
    { id: "y", body: null, signature: "A".repeat(86), principal: "grace" },
  ];
  const answer = await close(at, ...(rubbish as unknown as ReturnType<typeof decision>[]));
  expect(answer.kind).toBe("open");
});

test("a decision that was signed for another gate does not count here, and still counts there", async () => {
  const at = await waitAtGate(registry, 1);
  await registry.records.withdrawRelease(registry.sign("ada", { kind: "withdraw-release", release: at.release, reason: "x" }));
  await registry.records.endRelease({ release: at.release, outcome: "withdrawn", next: null, summary: "" });
  const next = await waitAtGate(registry, 2);
  const command = decision(registry, next, "grace");
  expect(await registry.records.closeGate({ gate: at.gate, commands: [command] })).toMatchObject({ resolution: "withdrawn" });
  expect(await readDecision(command.id)).toBeUndefined();
  expect(await close(next, command)).toMatchObject({ resolution: "approved" });
});

const left = { until: new Date() };

test.each([
  ["somebody of another group", "pia", async () => undefined, /Only members of model-risk/],
  ["the requester herself, made a member", "ada", async (r: Registry) => join(r, "ada", new Date(0)), /requested this release/],
  ["a machine in the group", "ci", async () => undefined, /machine/],
  [
    "somebody who left the group while the gate waited",
    "grace",
    async (r: Registry) => leave(r, "grace"),
    /Only members of model-risk/,
  ],
  [
    "somebody who left and came back",
    "grace",
    async (r: Registry) => (await leave(r, "grace"), join(r, "grace")),
    /joined model-risk after/,
  ],
  ["somebody who joined while the gate waited", "pia", async (r: Registry) => join(r, "pia"), /joined model-risk after/],
  ["somebody who was deactivated", "grace", deactivate, /deactivated/],
])("%s does not count", async (_, by, meanwhile, why) => {
  const at = await waitAtGate(registry, 1);
  await meanwhile(registry);
  const command = decision(registry, at, by);
  const answer = await close(at, command);
  expect(answer).toMatchObject({ kind: "open", dropped: [{ command: command.id, why: expect.stringMatching(why) }] });
  expect(await readDecision(command.id)).toMatchObject({ counted: false, why_not: expect.stringMatching(why) });
  expect(await readResult(command.id)).toMatchObject({ ok: false });
  expect((await auditKinds(registry.db, at.gate)).at(-1)).toBe("decision.not-counted");
  expect(await readRow(at.gate)).toMatchObject({ state: "open", resolution: null });
});

async function leave({ db }: Registry, id: string) {
  await db.updateTable("group_members").set(left).where("principal_id", "=", id).where("until", "is", null).execute();
}

async function join({ db }: Registry, id: string, since = new Date()) {
  await db.insertInto("group_members").values({ group_id: "model-risk", principal_id: id, since }).execute();
}

async function deactivate({ db }: Registry) {
  await db.updateTable("principals").set({ active: false }).where("id", "=", "grace").execute();
}

test("somebody who asked for the same release after the request was frozen does not decide on it", async () => {
  const at = await waitAtGate(registry, 1);
  await registry.db
    .updateTable("principals")
    .set({ roles: ["engineer"] })
    .where("id", "=", "grace")
    .execute();
  const command = registry.sign("grace", { kind: "request-release", model, reason: "hurry", trigger: "api", parameters: {} });
  await registry.records.foldRequest({ command, release: at.release });
  expect(await close(at, decision(registry, at, "grace"))).toMatchObject({
    kind: "open",
    dropped: [{ why: expect.stringContaining("requested this release") }],
  });
});

test.each([
  ["a digest that was never this gate's", { digest: digestOfJson("other") }, /digest is not the one/],
  ["a rejection without a reason", { decision: "reject", reason: " " }, /say why/],
  ["an escalation where there is nobody to escalate to", { decision: "escalate", reason: "help" }, /no further group/],
] as const)("%s does not count", async (_, change, why) => {
  const at = await waitAtGate(registry, 1);
  expect(await close(at, decision(registry, at, "grace", change))).toMatchObject({
    kind: "open",
    dropped: [{ why: expect.stringMatching(why) }],
  });
});

test("what does not count does not stop what does, and the first that counts decides", async () => {
  const at = await waitAtGate(registry, 1);
  const [outsider, approve, reject] = [
    decision(registry, at, "pia"),
    decision(registry, at, "grace"),
    decision(registry, at, "george", { decision: "reject", reason: "no" }),
  ];
  expect(await close(at, outsider, approve, reject)).toMatchObject({ kind: "closed", resolution: "approved" });
  expect(await readDecision(reject.id)).toMatchObject({
    counted: false,
    why_not: expect.stringContaining("closed as approved by grace"),
  });
  expect(await readResult(reject.id)).toMatchObject({ ok: false, code: "already-decided" });
});

test("a decision that arrives after the gate closed gets its answer on record, and changes nothing", async () => {
  const at = await waitAtGate(registry, 1);
  const [first, late] = [decision(registry, at, "grace"), decision(registry, at, "george", { decision: "reject", reason: "no" })];
  await close(at, first);
  expect(await close(at, first, late)).toMatchObject({ kind: "closed", resolution: "approved" });
  expect(await readResult(late.id)).toMatchObject({
    ok: false,
    code: "already-decided",
    result: { message: expect.stringContaining("by grace") },
  });
});

test("ten runs of the closing at once make one resolution", async () => {
  const at = await waitAtGate(registry, 1);
  const approve = decision(registry, at, "grace");
  const reject = decision(registry, at, "george", { decision: "reject", reason: "no" });
  const runs = Array.from({ length: 10 }, (_, i) =>
    registry.records.closeGate({ gate: at.gate, commands: i % 2 === 0 ? [approve] : [reject] }),
  );
  const answers = await Promise.all(runs);
  expect(new Set(answers.map((answer) => canonicalJson(answer))).size).toBe(1);
  const counted = await registry.db.selectFrom("decisions").select("command_id").where("counted", "=", true).execute();
  expect(counted).toHaveLength(1);
});

test("a quorum of two waits for the second person, and one person counts once", async () => {
  const at = await waitForTwo();
  const first = decision(registry, at, "grace");
  expect(await close(at, first)).toEqual({ kind: "open", dropped: [] });
  const again = decision(registry, at, "grace");
  expect(await close(at, first, again)).toMatchObject({ kind: "open", dropped: [{ command: again.id }] });
  expect(await readResult(again.id)).toMatchObject({ ok: false, code: "duplicate" });
  expect(await close(at, first, decision(registry, at, "george"))).toMatchObject({ kind: "closed", resolution: "approved" });
  const counted = await registry.db
    .selectFrom("decisions")
    .select("principal_id")
    .where("counted", "=", true)
    .orderBy("principal_id")
    .execute();
  expect(counted.map((row) => row.principal_id)).toEqual(["george", "grace"]);
});

test("a vote whose maker left before the second one came does not count any more", async () => {
  const at = await waitForTwo();
  const first = decision(registry, at, "grace");
  await close(at, first);
  await leave(registry, "grace");
  expect(await close(at, first, decision(registry, at, "george"))).toMatchObject({
    kind: "open",
    dropped: [{ command: first.id }],
  });
});
