import { afterEach, beforeEach, expect, test } from "vitest";
import { openFinding } from "../../activities/record/findings.ts";
import { inTransaction } from "../../activities/record/transaction.ts";
import { applyExample, decision, model, promote, waitAtGate } from "./passage.ts";
import { auditKinds, createRegistry, exampleDefinition, twice, type Registry } from "./registry.ts";

let registry: Registry;
beforeEach(async () => {
  registry = await createRegistry();
});
afterEach(() => registry.stop());

const gateOf = (id: string) => registry.db.selectFrom("gates").selectAll().where("id", "=", id).executeTakeFirstOrThrow();

/** A model that has a champion, a release at its gate, a softer definition that is asked about, and an open finding. */
async function inFullLife(maturity: "managed" | "optimized") {
  await applyExample(registry);
  const champion = await promote(registry, 1);
  const waiting = await waitAtGate(registry, 2);
  await applyExample(registry, { maturity });
  const { split } = await exampleDefinition();
  const asked = await applyExample(registry, { maturity, split: { ...split, holdout: 0.1 } });
  if (!asked.ok || !asked.gate) throw new Error(`The softer definition was not asked about: ${JSON.stringify(asked)}`);
  await registry.records.openGate({ gate: asked.gate.gate, runId: "definition-run" });
  await inTransaction(registry.db, (unit) =>
    openFinding(unit, {
      model,
      kind: "drift",
      title: "delay drifts",
      key: "drift/1",
      gate: null,
      version: champion,
      by: "countersign",
    }),
  );
  return { champion, waiting, definitionGate: asked.gate };
}

const retire = (by = "olga") =>
  registry.records.changeModelState(registry.sign(by, { kind: "retire", model, reason: "replaced by another model" }));

async function expectRetired({ waiting, definitionGate }: Awaited<ReturnType<typeof inFullLife>>): Promise<void> {
  expect(await registry.db.selectFrom("models").select("state").executeTakeFirstOrThrow()).toEqual({ state: "retired" });
  expect(await registry.db.selectFrom("slots").selectAll().executeTakeFirstOrThrow()).toMatchObject({
    champion_version: null,
    epoch: 2,
  });
  expect(await registry.records.readRelease({ release: waiting.release })).toMatchObject({
    state: "ended",
    outcome: "withdrawn",
  });
  expect(await gateOf(waiting.gate)).toMatchObject({
    resolution: "withdrawn",
    outcome: { reason: expect.stringContaining("was retired") },
  });
  expect(await gateOf(definitionGate.gate)).toMatchObject({
    resolution: "superseded",
    outcome: { reason: `${model} was retired; there is nothing to decide here any more.` },
  });
  expect(await registry.db.selectFrom("findings").select("closing").execute()).toEqual([{ closing: `${model} was retired.` }]);
}

test("where the policy asks nobody, retiring ends at once whatever runs, waits and serves", async () => {
  const life = await inFullLife("managed");
  const command = registry.sign("olga", { kind: "retire", model, reason: "replaced by another model" });
  expect(await twice(registry.db, () => registry.records.changeModelState(command))).toEqual({ ok: true });
  await expectRetired(life);
  expect(await auditKinds(registry.db, life.champion)).toContain("deployment.withdrawn");
  await expect(registry.records.deploy({ release: life.waiting.release })).rejects.toMatchObject({ type: "not-active" });
  expect(
    await registry.records.rollBack(
      registry.sign("olga", { kind: "rollback", model, environment: "production", to: null, reason: "back" }),
    ),
  ).toMatchObject({ ok: false, code: "model-retired" });
});

test("its request says what stops, and approving it does exactly that", async () => {
  const life = await inFullLife("optimized");
  const answer = await retire();
  const gate = answer.ok ? answer.gate?.gate : undefined;
  expect(gate).toBe(`${model}.retirement.1`);
  const request = (await gateOf(gate ?? "")).request;
  expect(request.evidence.recommendation.sentence).toBe(
    `Retiring is for ever: ${life.champion} stops serving in production in the same moment.`,
  );
  const told = request.evidence.details?.[1]?.text ?? "";
  for (const id of [life.champion, life.waiting.release, life.definitionGate.gate]) expect(told).toContain(id);

  await registry.records.openGate({ gate: gate ?? "", runId: "retirement-run" });
  const at = { release: "", gate: gate ?? "", digest: (await gateOf(gate ?? "")).request_digest };
  const closing = await registry.records.closeGate({ gate: at.gate, commands: [decision(registry, at, "grace")] });
  expect(closing).toMatchObject({ kind: "closed", resolution: "approved" });
  await expectRetired(life);
  const late = decision(registry, { ...at, ...life.definitionGate }, "grace");
  expect(await registry.records.closeGate({ gate: life.definitionGate.gate, commands: [late] })).toMatchObject({
    kind: "closed",
    resolution: "superseded",
  });
});
