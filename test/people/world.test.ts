import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GateView } from "../../domain/http/gate-views.ts";
import type { BrokeGlassView, ModelView, VersionView } from "../../domain/http/model-views.ts";
import type { DelegationView } from "../../domain/http/people-views.ts";
import { workflowIds } from "../../domain/ids.ts";
import { applyExample, freeze, makeVersion, model } from "../records/passage.ts";
import type { Registry } from "../records/registry.ts";
import { decide } from "../world/models.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";
import { registryOf } from "./stage-free.ts";

/**
 * The versions here are what the stages leave behind, written by the record activities: nothing of
 * ingest, training or evaluation runs, and what is tested must work without them.
 */
let world: World;
let registry: Registry;
beforeAll(async () => {
  world = await createWorld();
  registry = registryOf(world);
  await applyExample(registry);
});
afterAll(() => world?.stop());

const view = async () => (await world.as("olga").get<ModelView>(`/api/models/${model}`)).body;
const opened = (id: string) =>
  until(`${id} open`, async () => {
    const { status, body } = await world.as("olga").get<GateView>(`/api/gates/${id}`);
    return status === 200 && body.state === "open" && body;
  });
const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString();

/** A version that waits at its gate, whose workflow runs. */
async function waitAtGate(number: number): Promise<GateView> {
  const frozen = await freeze(registry, await makeVersion(registry, number));
  const workflowId = workflowIds.gate(frozen.gate);
  await world.client.workflow.start("gate", { workflowId, taskQueue: "lifecycle", args: [frozen] });
  return opened(frozen.gate);
}

describe("a delegation", () => {
  it("lets the delegate decide in the giver's name, gives nothing to a contributor, and ends when it is revoked", async () => {
    const open = await waitAtGate(1);
    const give = async (from: string, to: string) =>
      (await world.as(from).post<DelegationView>("/api/delegations", { to, until: tomorrow(), reason: "away until tomorrow" }))
        .body;
    await give("grace", "pia");
    await give("grace", "ada");
    const revoked = await give("george", "ben");

    const contributor = await decide(world.as("ada"), open, { decision: "approve" });
    expect([contributor.status, contributor.body.receipt]).toEqual([403, "self"]);
    const may = async (who: string) => (await world.as(who).get<GateView>(`/api/gates/${open.id}`)).body.you.mayDecide;
    expect(await may("ben")).toBe(true);
    await world.as("george").post(`/api/delegations/${revoked.id}/revoke`, { reason: "back again" });
    const late = await decide(world.as("ben"), open, { decision: "approve" });
    expect([late.status, late.body.receipt]).toEqual([403, "not-allowed"]);

    expect(await may("pia")).toBe(true);
    const decided = await decide(world.as("pia"), open, { decision: "reject", reason: "not before the holidays" });
    expect(decided.body).toMatchObject({ receipt: "accepted", gate: { resolution: "rejected" } });
    const { body } = await world.as("olga").get<GateView>(`/api/gates/${open.id}`);
    expect(body.decisions).toMatchObject([{ by: "pia", counted: true }]);
    const decision = await world.db
      .selectFrom("decisions")
      .select(["principal_id", "on_behalf_of", "counted_as"])
      .where("gate_id", "=", open.id)
      .execute();
    expect(decision).toEqual([{ principal_id: "pia", on_behalf_of: "grace", counted_as: ["model-risk"] }]);
    await registry.records.endRelease({ release: `${model}.1`, outcome: "rejected", next: null, summary: "Rejected." });
  });
});

describe("break-glass", () => {
  it("promotes at once; its review is a real gate, is asked anew when its workflow dies, and undoes it by a rejection", async () => {
    const waits = await waitAtGate(2);
    const version = `${model}.2`;
    const ask = { action: "promote", version, reason: "customers are turned away" };
    const path = `/api/models/${model}/break-glass`;
    const refused = await world.as("ada").post<{ code: string }>(path, ask);
    expect([refused.status, refused.body.code]).toEqual([403, "forbidden"]);

    const broke = await world.as("olga").post<BrokeGlassView>(path, ask, "once");
    expect(broke).toMatchObject({ status: 200, body: { deployment: { version, epoch: 1 }, review: `${model}.break-glass.1` } });
    expect((await world.as("olga").post(path, ask, "once")).body).toEqual(broke.body);
    expect(await view()).toMatchObject({
      slots: [{ champion: { version } }],
      breakGlass: { open: 1, overdue: 0, total: 1, reviews: [`${model}.break-glass.1`] },
    });
    // What waited shows the champion of before: its workflow hears of it at once, not when the watch comes by.
    const outdated = await until(`${waits.id} closed`, async () => {
      const { body } = await world.as("olga").get<GateView>(`/api/gates/${waits.id}`);
      return body.state === "closed" && body;
    });
    expect(outdated.resolution).toBe("superseded");
    const { body: shown } = await world.as("olga").get<VersionView>(`/api/versions/${version}`);
    expect(shown.approvals).toMatchObject([{ kind: "break-glass", by: ["olga"], gate: null }]);

    // The review's workflow dies in silence; the watch notices, and the next request is about the same deployment.
    const lost = await opened(`${model}.break-glass.1`);
    await world.client.workflow.getHandle(workflowIds.gate(lost.id)).terminate("by a test");
    const longAgo = new Date(Date.now() - 60_000);
    await world.db.updateTable("gates").set({ opened_at: longAgo }).where("id", "=", lost.id).execute();
    await world.records.findDeadRuns();
    const review = await opened(`${model}.break-glass.2`);
    expect(review.subject).toEqual(lost.subject);

    const own = await decide(world.as("olga"), review, { decision: "approve" });
    expect([own.status, own.body.receipt]).toEqual([403, "self"]);
    const rejected = await decide(world.as("grace"), review, { decision: "reject", reason: "it could have waited" });
    expect(rejected.body).toMatchObject({ receipt: "accepted", gate: { state: "closed", resolution: "rejected" } });
    expect(await view()).toMatchObject({ slots: [{ champion: null, epoch: 2 }], breakGlass: { open: 0, total: 1 } });
  });
});
