import { afterEach, beforeEach, expect, test } from "vitest";
import { applyExample, decision, waitAtGate, type OpenGate } from "./passage.ts";
import { createRegistry, type Registry } from "./registry.ts";

let registry: Registry;
let at: OpenGate;

beforeEach(async () => {
  registry = await createRegistry();
  // Two approvals, one of model-risk and one of product.
  await applyExample(registry, { maturity: "optimized" });
  at = await waitAtGate(registry, 1);
  await registry.db
    .insertInto("delegations")
    .values({
      id: "dlg_1",
      from_principal: "grace",
      to_principal: "olga",
      model: null,
      reason: "away",
      until: new Date(Date.now() + 3_600_000),
      created_by: "grace",
    })
    .execute();
});
afterEach(() => registry.stop());

const close = (...commands: ReturnType<typeof decision>[]) => registry.records.closeGate({ gate: at.gate, commands });
const decisions = () =>
  registry.db.selectFrom("decisions").select(["principal_id", "counted", "why_not"]).orderBy("recorded_at").execute();

test("who is back decides in person, and what her delegate decided in her name counts no longer", async () => {
  const delegated = decision(registry, at, "olga");
  expect(await close(delegated)).toEqual({ kind: "open", dropped: [] });
  const inPerson = decision(registry, at, "grace", { decision: "reject", reason: "the data is too old" });
  expect(await close(delegated, inPerson)).toMatchObject({ kind: "closed", resolution: "rejected" });
  expect(await decisions()).toEqual([
    { principal_id: "olga", counted: false, why_not: "grace decided in person instead." },
    { principal_id: "grace", counted: true, why_not: null },
  ]);
});

test("where both say the same it is one approval, hers, and another is still missing", async () => {
  await close(decision(registry, at, "olga"));
  const inPerson = decision(registry, at, "grace");
  expect(await close(inPerson)).toMatchObject({ kind: "open" });
  expect(await close(decision(registry, at, "pia"))).toMatchObject({ kind: "closed", resolution: "approved" });
  expect((await decisions()).filter((one) => one.counted).map((one) => one.principal_id)).toEqual(["grace", "pia"]);
});

test("a delegate does not decide for one who has decided herself, and is told what to do", async () => {
  await close(decision(registry, at, "grace"));
  const late = decision(registry, at, "olga", { decision: "reject", reason: "I would not" });
  expect(await close(late)).toMatchObject({
    kind: "open",
    dropped: [{ command: late.id, why: expect.stringContaining("grace approved already and counts once") }],
  });
});
