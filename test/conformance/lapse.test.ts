import { afterEach, beforeEach, expect, test } from "vitest";
import { lapseConditions } from "../../activities/watch/lapsed-conditions.ts";
import { applyExample, decision, model, promote, waitAtGate } from "../records/passage.ts";
import { createRegistry, type Registry } from "../records/registry.ts";
import { putPromotionGate } from "../world/put-policy.ts";
import { until } from "../world/until.ts";

let registry: Registry;
beforeEach(async () => {
  registry = await createRegistry();
  await applyExample(registry);
  await putPromotionGate(registry.db, { conditional: { maxMs: 60_000 } });
});
afterEach(() => registry.stop());

/** The release is approved on condition that something is closed within moments, and serves. */
async function approveOnCondition(number: number): Promise<string> {
  const at = await waitAtGate(registry, number);
  const by = new Date(Date.now() + 400).toISOString();
  const command = decision(registry, at, "grace", { conditions: [{ finding: "the drift of distance is explained", by }] });
  await registry.records.closeGate({ gate: at.gate, commands: [command] });
  await registry.records.deploy({ release: at.release });
  await registry.records.endRelease({ release: at.release, outcome: "promoted", next: null, summary: "It serves." });
  return by;
}

const champion = async () =>
  (await registry.db.selectFrom("slots").select("champion_version").where("model", "=", model).executeTakeFirstOrThrow())
    .champion_version;
const lapse = () => lapseConditions(registry);

test("an approval on condition lapses by itself, and the champion before is back", async () => {
  await promote(registry, 1);
  const by = await approveOnCondition(2);
  expect(await lapse()).toEqual([]);
  expect(await champion()).toBe(`${model}.2`);
  await until("the moment", () => Promise.resolve(new Date().toISOString() > by));
  expect(await lapse()).toHaveLength(1);
  expect(await champion()).toBe(`${model}.1`);
  expect(await lapse()).toEqual([]);
});

test("where there was no champion before, nothing serves any more", async () => {
  const by = await approveOnCondition(1);
  await until("the moment", () => Promise.resolve(new Date().toISOString() > by));
  expect(await lapse()).toHaveLength(1);
  expect(await champion()).toBeNull();
});
