import { afterAll, beforeAll, expect, it } from "vitest";
import { historyOf } from "../workflows/recorded.ts";
import { until } from "../world/until.ts";
import { attemptOn, expectClosedOnce, expectTaken } from "./point.ts";
import { openStand, type AskedGate, type ConformanceStand } from "./stand.ts";
import { createApiSurface } from "./surfaces/api.ts";

/** A gate is closed within the task that takes the decision in; where that cannot be, the decision is durable first. */
let stand: ConformanceStand;
beforeAll(async () => {
  stand = await openStand();
}, 120_000);
afterAll(() => stand?.close());

/** The names of the activities that the server knows of. */
async function activitiesOf({ handle }: AskedGate): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
}

it("is closed without a step of the server's in between", async () => {
  const gate = await stand.open();
  expectTaken(await createApiSurface(stand.site).decide("grace", attemptOn(gate)));
  await expectClosedOnce({ stand }, gate, "approved");
  expect(await activitiesOf(gate)).toEqual(["freezeExternalGate"]);
});

it("takes a decision while its row is locked, and is closed by a lasting activity afterwards", async () => {
  const gate = await stand.open();
  const api = createApiSurface(stand.site);
  const decided = await stand.world.db.transaction().execute(async (trx) => {
    await trx.selectFrom("gates").select("id").where("id", "=", gate.id).forUpdate().execute();
    const sent = api.decide("grace", attemptOn(gate));
    await until("it is in the history", async () => (await activitiesOf(gate)).includes("closeGate"), 5_000);
    expect(await stand.decisions(gate.id)).toEqual([]);
    return { sent };
  });
  expectTaken(await decided.sent);
  expect(await gate.handle.result()).toMatchObject({ resolution: "approved", outcome: { by: "grace" } });
  await expectClosedOnce({ stand }, gate, "approved");
  expect(await stand.decisions(gate.id)).toHaveLength(1);
  await historyOf(stand.world, gate.handle.workflowId, "gate-closed-later");
});
