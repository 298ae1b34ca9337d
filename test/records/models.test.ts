import { afterEach, beforeEach, expect, test } from "vitest";
import { applyExample, model, requestRelease } from "./passage.ts";
import { auditKinds, createRegistry, exampleDefinition, fingerprint, twice, type Registry } from "./registry.ts";

let registry: Registry;

beforeEach(async () => {
  registry = await createRegistry();
});

afterEach(() => registry.stop());

async function applyCommand(change: Parameters<typeof exampleDefinition>[0] = {}, by = "ada") {
  const definition = await exampleDefinition(change);
  return registry.sign(by, { kind: "apply-definition", model, definition: await registry.store.putJson(definition) });
}

test("a definition registers its model with a slot, once", async () => {
  const command = await applyCommand();
  const answer = await twice(registry.db, () => registry.records.applyDefinition(command));
  expect(answer).toEqual({ ok: true, definition: command.body.definition });
  expect(await auditKinds(registry.db, model)).toEqual(["model.registered", "definition.applied"]);
  const slot = await registry.db.selectFrom("slots").selectAll().executeTakeFirstOrThrow();
  expect(slot).toMatchObject({ model, environment: "production", epoch: 0, champion_version: null });
  const result = await registry.db
    .selectFrom("command_results")
    .selectAll()
    .where("command_id", "=", command.id)
    .executeTakeFirstOrThrow();
  expect(result).toMatchObject({ ok: true, result: { model, definitionDigest: command.body.definition, created: true } });
});

test("the same activity run twice at the same moment writes once", async () => {
  const command = await applyCommand();
  const answers = await Promise.all(Array.from({ length: 5 }, () => registry.records.applyDefinition(command)));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await auditKinds(registry.db, model)).toEqual(["model.registered", "definition.applied"]);
});

test("the same definition again is no change; a changed one is kept beside the old one", async () => {
  await applyExample(registry);
  await applyExample(registry, {}, "ben");
  expect(await auditKinds(registry.db, model)).toEqual(["model.registered", "definition.applied"]);
  await applyExample(registry, { title: "Will this flight arrive late?" }, "ben");
  expect(await registry.db.selectFrom("definitions").select("applied_by").orderBy("applied_at").execute()).toEqual([
    { applied_by: "ada" },
    { applied_by: "ben" },
  ]);
});

test.each([
  ["somebody of another team", "olga", {}, "forbidden"],
  ["somebody without the role", "grace", {}, "forbidden"],
  ["an owner whom nobody knows", "ada", { owner: { team: "ml-engineering", person: "nobody" } }, "invalid"],
  ["an owner that is a machine", "ada", { owner: { team: "ml-engineering", person: "ci" } }, "invalid"],
  ["another model's name", "ada", { model: "other" }, "invalid"],
])("%s does not change a model", async (_, by, change, code) => {
  const command = await applyCommand(change, by);
  const answer = await twice(registry.db, () => registry.records.applyDefinition(command));
  expect(answer).toMatchObject({ ok: false, code });
  expect(await registry.db.selectFrom("models").select("name").execute()).toEqual([]);
  expect(await auditKinds(registry.db, model)).toEqual(["command.refused"]);
});

test("the present owner team decides who may change a model, not the one that a new definition names", async () => {
  await applyExample(registry);
  await registry.db
    .updateTable("principals")
    .set({ roles: ["engineer"] })
    .where("id", "=", "pia")
    .execute();
  const answer = await applyExample(registry, { owner: { team: "product", person: "pia" } }, "pia");
  expect(answer).toMatchObject({ ok: false, code: "forbidden" });
});

test("a forged command is on record, does nothing, and does not use up the id of the true one", async () => {
  const command = await applyCommand();
  const forged = { ...command, principal: "ben" };
  expect(await twice(registry.db, () => registry.records.applyDefinition(forged))).toMatchObject({
    ok: false,
    code: "not-signed",
  });
  expect(await auditKinds(registry.db, model)).toEqual(["message.refused"]);
  expect(await registry.records.applyDefinition(command)).toMatchObject({ ok: true });
});

test.each([
  ["no signature", { signature: "" }],
  ["a signature of zeros", { signature: "A".repeat(86) }],
  ["a signature that is no text", { signature: 12 as unknown as string }],
])("a command with %s is refused", async (_, change) => {
  const command = { ...(await applyCommand()), ...change };
  expect(await registry.records.applyDefinition(command)).toMatchObject({ ok: false, code: "not-signed" });
});

test("a body that was changed after it was signed is refused", async () => {
  const command = registry.sign("olga", { kind: "pause", model, reason: "holidays" });
  const changed = { ...command, body: { ...command.body, kind: "retire" as const } };
  expect(await registry.records.changeModelState(changed)).toMatchObject({ ok: false, code: "not-signed" });
});

test("a damaged artifact is an answer and leaves the model as it is", async () => {
  const command = registry.sign("ada", { kind: "apply-definition", model, definition: await registry.store.put("{ no json") });
  expect(await twice(registry.db, () => registry.records.applyDefinition(command))).toMatchObject({ ok: false, code: "invalid" });
});

test("a person who was deactivated commands nothing any more", async () => {
  await registry.db.updateTable("principals").set({ active: false }).where("id", "=", "ada").execute();
  expect(await applyExample(registry)).toMatchObject({ ok: false, code: "forbidden" });
});

test("a paused model takes no release until it is resumed, a retired one never again", async () => {
  await applyExample(registry);
  const change = (kind: "pause" | "resume" | "retire") => {
    const command = registry.sign("olga", { kind, model, reason: "because" });
    return twice(registry.db, () => registry.records.changeModelState(command));
  };
  expect(await change("pause")).toEqual({ ok: true });
  expect((await requestRelease(registry, 1)).pinned).toMatchObject({ ok: false, code: "model-paused" });
  expect(await change("resume")).toEqual({ ok: true });
  expect((await requestRelease(registry, 1)).pinned).toMatchObject({ ok: true });
  expect(await change("retire")).toEqual({ ok: true });
  expect((await requestRelease(registry, 2)).pinned).toMatchObject({ ok: false, code: "model-retired" });
  expect(await change("resume")).toMatchObject({ ok: false, code: "model-retired" });
  expect(await auditKinds(registry.db, model)).toEqual([
    "model.registered",
    "definition.applied",
    "model.paused",
    "model.resumed",
    "model.retired",
    "command.refused",
  ]);
});

test("a lifecycle recalls what the database holds of its model", async () => {
  expect(await registry.records.recallModel({ model })).toEqual({
    nextNumber: 1,
    definition: null,
    active: null,
    queued: null,
    unsucceeded: null,
  });
  await applyExample(registry);
  const first = await requestRelease(registry, 1);
  await registry.records.startRelease({ release: first.release, runId: "run" });
  await requestRelease(registry, 2, { parameters: { seed: 9 } });
  const recalled = await registry.records.recallModel({ model });
  expect(recalled).toMatchObject({
    nextNumber: 3,
    active: { release: `${model}.1`, hasParameters: false },
    queued: { release: `${model}.2`, hasParameters: true },
  });
});

test("a message is put on record once however often its activity is tried, whatever characters it holds", async () => {
  const message = { workflow: "gate/x", message: "update", claimed: "NUL \0 and half \uD83D", why: "It carries no valid token." };
  await twice(registry.db, () => registry.records.refuseMessage(message));
  expect(await auditKinds(registry.db, "gate/x")).toEqual(["message.refused"]);
  const before = await fingerprint(registry.db);
  await registry.records.refuseMessage({ ...message, claimed: "another" });
  expect((await fingerprint(registry.db))["audit"]).not.toBe(before["audit"]);
});

test("a command without a body, or none at all, is refused and leaves the activity whole", async () => {
  const { records, sign } = registry;
  const command = sign("olga", { kind: "pause", model, reason: "x" });
  for (const rubbish of [null, {}, { ...command, body: null }, { ...command, body: "x" }] as never[]) {
    const calls = [
      records.applyDefinition,
      records.changeModelState,
      records.rollBack,
      records.unblockRelease,
      records.withdrawRelease,
    ];
    for (const call of calls) expect(await call(rubbish)).toMatchObject({ ok: false, code: "not-signed" });
    expect(await records.foldRequest({ command: rubbish, release: `${model}.1` })).toMatchObject({
      ok: false,
      code: "not-signed",
    });
  }
});
