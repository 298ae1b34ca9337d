import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { featureOriginsTitle } from "../../domain/data-words.ts";
import type { ModelView } from "../../domain/http/model-views.ts";
import type { AuditVerificationView } from "../../domain/http/record-views.ts";
import type { ReleaseView } from "../../domain/http/release-views.ts";
import { apply, decide, promote, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { createWorld, type World } from "../world/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.stop());

const champion = async (model: string) => (await world.as("olga").get<ModelView>(`/api/models/${model}`)).body.slots[0];

describe("a model of the medium tier", () => {
  it("goes through its stages, waits for a person, is promoted, and rolls back to its first champion", async () => {
    await apply(world, await smallModel("medium-life", "medium"));
    const first = await promote(world, "medium-life");
    expect(first).toMatchObject({ state: "ended", outcome: "promoted", version: "medium-life.1", blocked: null });
    expect(first.stages.map((one) => [one.stage, one.state])).toEqual(
      ["ingest", "validate", "featurize", "train", "evaluate", "deploy", "monitor"].map((stage) => [stage, "done"]),
    );
    for (const stage of first.stages) expect(stage.summary, stage.stage).toMatch(/\w+ .*\w+/);
    expect(await champion("medium-life")).toMatchObject({ epoch: 1, champion: { version: "medium-life.1" } });

    const second = await promote(world, "medium-life", { train: { l2: 30 } });
    expect(second.outcome).toBe("promoted");
    expect(await champion("medium-life")).toMatchObject({ epoch: 2, champion: { version: "medium-life.2" } });

    const back = await world
      .as("olga")
      .post<{ deployment: { version: string; epoch: number } }>("/api/models/medium-life/rollback", {
        reason: "the first one was better",
      });
    expect(back).toMatchObject({ status: 200, body: { deployment: { version: "medium-life.1", epoch: 3 } } });
    expect(await champion("medium-life")).toMatchObject({ epoch: 3, champion: { version: "medium-life.1" } });

    const again = await world
      .as("olga")
      .post<{ code: string }>("/api/models/medium-life/rollback", { to: "medium-life.1", reason: "once more" });
    expect([again.status, again.body.code]).toEqual([409, "already-champion"]);
    // Two whole releases: 20 s, and a minute where other work shares the cores.
  }, 120_000);

  it("asks nothing of people whom the policy does not name, nor of those who contributed", async () => {
    await apply(world, await smallModel("who-may", "medium"));
    const gate = await untilGate(world, await requestRelease(world, "who-may"));
    expect(gate.request.deciders).toEqual({ groups: ["model-risk"], quorum: 1 });
    expect(gate.request.excluded.map((one) => one.principal)).toContain("ada");
    // Where each feature comes from, and what it tells alone, lies before whoever decides.
    const origins = gate.request.evidence.details?.find(({ title }) => title === featureOriginsTitle);
    expect(origins?.text).toMatch(/^\w+: AUC 0\.\d{3} alone; from \w+\.\w+/);
    const outsider = await decide(world.as("pia"), gate, { decision: "approve" });
    expect([outsider.status, outsider.body.receipt]).toEqual([
      expect.toBeOneOf([403, 404]),
      outsider.status === 404 ? undefined : "not-allowed",
    ]);
    const closed = await decide(world.as("grace"), gate, { decision: "reject", reason: "the interval is too wide" });
    expect(closed).toMatchObject({
      status: 200,
      body: { receipt: "accepted", gate: { state: "closed", resolution: "rejected" } },
    });
    expect(await untilState(world, gate.release ?? "", ["ended"])).toMatchObject({ outcome: "rejected" });
    const late = await decide(world.as("george"), gate, { decision: "approve" });
    expect(late).toMatchObject({ status: 409, body: { receipt: "already-decided" } });
    expect(late.body.message).toContain("grace");
    expect((await champion("who-may"))?.champion ?? null).toBeNull();
  });

  it("starts a successor when a reviewer asks for changes, with the parameters she named", async () => {
    await apply(world, await smallModel("changed", "medium"));
    const first = await untilGate(world, await requestRelease(world, "changed"));
    const asked = await decide(world.as("grace"), first, {
      decision: "request-changes",
      reason: "more regularisation, please",
      returnTo: "train",
      parameters: { train: { l2: 50 } },
    });
    expect(asked.body).toMatchObject({ receipt: "accepted", gate: { resolution: "changes-requested" } });
    const second = await untilGate(world, "changed.2");
    expect(await untilState(world, "changed.1", ["ended"])).toMatchObject({ outcome: "changes-requested", next: "changed.2" });
    const successor = (await world.as("olga").get<ReleaseView>("/api/releases/changed.2")).body;
    expect(successor).toMatchObject({ parent: "changed.1", parameters: { train: { l2: 50 } } });
    // The policy leaves `train.l2` to the model's authors: who asks for it has shaped the model.
    const own = await decide(world.as("grace"), second, { decision: "approve" });
    expect(own).toMatchObject({ status: 403, body: { receipt: "self" } });
    expect(own.body.message).toContain("asked for train.l2");
    expect((await decide(world.as("george"), second, { decision: "approve" })).body.receipt).toBe("accepted");
    expect(await untilState(world, "changed.2", ["ended"])).toMatchObject({ outcome: "promoted" });
  });

  it("is withdrawn by its requester while it waits, and the gate closes with it", async () => {
    await apply(world, await smallModel("withdrawn", "medium"));
    const gate = await untilGate(world, await requestRelease(world, "withdrawn"));
    const answer = await world.as("ada").post(`/api/releases/${gate.release}/withdraw`, { reason: "found a mistake myself" });
    expect(answer.status).toBe(200);
    expect(await untilState(world, "withdrawn.1", ["ended"])).toMatchObject({ outcome: "withdrawn" });
    expect(await decide(world.as("grace"), gate, { decision: "approve" })).toMatchObject({
      status: 409,
      body: { receipt: "already-decided", gate: { resolution: "withdrawn" } },
    });
  });

  it("folds a second request for the same work into the release that runs, and queues other work", async () => {
    await apply(world, await smallModel("folding", "medium"));
    const first = await untilGate(world, await requestRelease(world, "folding"));
    const same = await world
      .as("ada")
      .post<{ release: string; folded: boolean }>("/api/models/folding/releases", { reason: "the same again" });
    expect(same.body).toMatchObject({ release: "folding.1", folded: true });
    const other = await world.as("ada").post<{ release: string; folded: boolean }>("/api/models/folding/releases", {
      reason: "with another seed",
      parameters: { seed: 99 },
    });
    expect(other.body).toMatchObject({ release: "folding.2", folded: false });
    expect(await untilState(world, "folding.2", ["queued"])).toMatchObject({ state: "queued" });
    const back = await world.as("ada").post("/api/releases/folding.2/withdraw", { reason: "not that seed" });
    expect(back.status).toBe(200);
    expect(await untilState(world, "folding.2", ["ended"])).toMatchObject({ outcome: "withdrawn" });
    await world.as("ada").post("/api/models/folding/releases", { reason: "with a third seed", parameters: { seed: 100 } });
    await decide(world.as("grace"), first, { decision: "reject", reason: "the other one is better" });
    expect((await untilGate(world, "folding.3")).release).toBe("folding.3");
  });
});

describe("a model of the low tier", () => {
  it("is promoted without a person, and that is on record as the policy's approval", async () => {
    await apply(world, await smallModel("low-life", "low"));
    const release = await untilState(world, await requestRelease(world, "low-life"), ["ended"]);
    expect(release).toMatchObject({ outcome: "promoted", gates: [] });
    const { body } = await world
      .as("olga")
      .get<{ approvals: { kind: string; by: string[]; policy: { id: string } }[] }>("/api/versions/low-life.1");
    expect(body.approvals).toMatchObject([{ kind: "policy", by: [], policy: { id: "low-managed" } }]);
  });
});

describe("a release whose stage fails for good", () => {
  it("is blocked with the cause in words, and goes on after a retry", async () => {
    await apply(
      world,
      await smallModel("stuck", "low", (definition) => {
        definition.train.limits.memoryMb = 64;
      }),
    );
    const id = await requestRelease(world, "stuck");
    const blocked = await untilState(world, id, ["blocked"]);
    expect(blocked.blocked).toMatchObject({ stage: "train", code: "trainer-memory" });
    expect(blocked.blocked?.message).toContain("64");
    expect(blocked.actions).toContain("retry");
    const skip = await world
      .as("olga")
      .post<{ code: string }>(`/api/releases/${id}/unblock`, { action: "skip", reason: "no time" });
    expect([skip.status, skip.body.code]).toEqual([409, "skip-not-allowed"]);
    const retry = await world.as("olga").post(`/api/releases/${id}/unblock`, {
      action: "retry",
      reason: "more memory",
      parameters: { limits: { memoryMb: 2048 } },
    });
    expect(retry.status).toBe(200);
    expect(await untilState(world, id, ["ended"])).toMatchObject({ outcome: "promoted" });
  });

  it("ends as abandoned when a person says so", async () => {
    await apply(
      world,
      await smallModel("given-up", "low", (definition) => {
        definition.data.sources["applications"] = { files: "examples/credit-risk/data/nowhere.csv" };
      }),
    );
    const id = await requestRelease(world, "given-up");
    const blocked = await untilState(world, id, ["blocked"]);
    expect(blocked.blocked).toMatchObject({ stage: "ingest", code: "source-missing" });
    expect(blocked.blocked?.message).toContain("nowhere.csv");
    await world.as("olga").post(`/api/releases/${id}/unblock`, { action: "abandon", reason: "the file will not come" });
    expect(await untilState(world, id, ["ended"])).toMatchObject({ outcome: "abandoned" });
  });
});

describe("the audit chain of all this", () => {
  it("verifies from end to end", async () => {
    const { body } = await world.as("olga").get<AuditVerificationView>("/api/audit/verification");
    expect(body).toMatchObject({ intact: true, fault: null });
    expect(body.records).toBeGreaterThan(100);
  });
});
