import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GateView } from "../../domain/http/gate-views.ts";
import type { ReleaseView } from "../../domain/http/release-views.ts";
import { apply, decide, promote, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { createIntruder } from "../world/temporal-cli.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";

/** Whoever reaches Temporal's port can send what he likes. No approval comes of any of it, and each is on record. */
let world: World;
let intruder: ReturnType<typeof createIntruder>;
beforeAll(async () => {
  world = await createWorld();
  intruder = createIntruder(world.namespace);
});
afterAll(() => world?.stop());

async function gateOf(model: string): Promise<GateView> {
  await apply(world, await smallModel(model, "medium"));
  return untilGate(world, await requestRelease(world, model));
}

const rowOf = (gate: string) =>
  world.db.selectFrom("gates").select(["state", "resolution"]).where("id", "=", gate).executeTakeFirstOrThrow();

function onRecord(kind: string, words: string) {
  return until(`${kind} with "${words}" on record`, async () => {
    const rows = await world.db.selectFrom("audit").select("body").where("kind", "=", kind).execute();
    return rows.some((row) => row.body.includes(words));
  });
}

function forgedDecision(gate: GateView, principal = "grace") {
  return {
    id: `cmd_${randomUUID()}`,
    principal,
    groups: ["model-risk"],
    surface: "api",
    at: new Date().toISOString(),
    signature: "A".repeat(86),
    body: {
      kind: "decide",
      gate: gate.id,
      decision: "approve",
      digest: gate.request.digest,
      seen: null,
      reason: null,
      returnTo: null,
      parameters: {},
      inputs: {},
    },
  };
}

describe("with Temporal's command line", () => {
  // One release stands for three forgeries: none of them moves it.
  let gate: GateView;
  beforeAll(async () => {
    gate = await gateOf("forged-words");
  }, 90_000);

  it("an update without a token is refused and recorded, and the gate goes on waiting", async () => {
    const sent = await intruder.update(`gate/${gate.id}`, "decide", { by: "grace", decision: "approve" });
    expect(sent.ok).toBe(false);
    await onRecord("message.refused", `gate/${gate.id}`);
    expect(await rowOf(gate.id)).toEqual({ state: "open", resolution: null });
  });

  it("a forged report to the release changes nothing", async () => {
    await intruder.signal(`release/${gate.release}`, "gateClosed", { gate: gate.id, resolution: "approved" });
    await onRecord("message.refused", `release/${gate.release}`);
    expect((await world.as("olga").get<ReleaseView>(`/api/releases/${gate.release}`)).body).toMatchObject({ state: "waiting" });
    expect(await world.db.selectFrom("approvals").select("id").where("version_id", "=", gate.release).execute()).toEqual([]);
  });

  it("a decision with a forged token does not count, and the real person still decides", async () => {
    await intruder.update(`gate/${gate.id}`, "decide", forgedDecision(gate));
    await intruder.signal(`gate/${gate.id}`, "decide-by-signal", forgedDecision(gate, "george"));
    await onRecord("message.refused", gate.id);
    expect(await rowOf(gate.id)).toEqual({ state: "open", resolution: null });
    const real = await decide(world.as("grace"), gate, { decision: "reject", reason: "somebody forged my name" });
    expect(real.body).toMatchObject({ receipt: "accepted", gate: { resolution: "rejected" } });
  });

  it("a forged request starts no release, and the next real one runs", async () => {
    await apply(world, await smallModel("forged-request", "low"));
    const body = { kind: "request-release", model: "forged-request", reason: "forged", trigger: "api", parameters: {} };
    await intruder.update("model/forged-request", "requestRelease", {
      ...forgedDecision({ id: "x", request: { digest: "" } } as unknown as GateView),
      body,
    });
    await onRecord("message.refused", "forged-request");
    expect(await world.db.selectFrom("releases").select("id").where("model", "=", "forged-request").execute()).toEqual([]);
    expect(await untilState(world, await requestRelease(world, "forged-request"), ["ended"])).toMatchObject({
      outcome: "promoted",
    });
  });

  it("messages of no form at all do not stop a model's life", async () => {
    await apply(world, await smallModel("malformed", "low"));
    for (const [name, input] of [
      ["requestRelease", null],
      ["requestRelease", { body: { kind: "request-release" } }],
      ["command", "rollback"],
      ["command", { body: { kind: "make-tea" } }],
    ] as const)
      await intruder.update("model/malformed", name, input);
    await intruder.signal("model/malformed", "releaseEnded", "malformed.1");
    await onRecord("message.refused", "make-tea");
    expect(await untilState(world, await requestRelease(world, "malformed"), ["ended"])).toMatchObject({ outcome: "promoted" });
  });

  it("a decided gate that is reset or started again keeps its resolution", async () => {
    await apply(world, await smallModel("reset-gate", "medium"));
    const release = await promote(world, "reset-gate");
    const gate = release.gates[0]?.id ?? "";
    const before = await world.db.selectFrom("slots").selectAll().where("model", "=", "reset-gate").executeTakeFirstOrThrow();
    expect((await intruder.resetToStart(`gate/${gate}`)).ok).toBe(true);
    await onRecord("gate.reopening-refused", gate);
    await intruder.start(`gate/${gate}`, "gate", { gate, digest: `sha256:${"0".repeat(64)}`, searchable: false });
    await until("both runs on record", async () => {
      const { n } = await world.db
        .selectFrom("audit")
        .select((eb) => eb.fn.countAll<number>().as("n"))
        .where("kind", "=", "gate.reopening-refused")
        .where("subject", "=", gate)
        .executeTakeFirstOrThrow();
      return n >= 2;
    });
    expect(await rowOf(gate)).toEqual({ state: "closed", resolution: "approved" });
    expect(await world.db.selectFrom("slots").selectAll().where("model", "=", "reset-gate").executeTakeFirstOrThrow()).toEqual(
      before,
    );
  });

  it("a termination of a decided gate changes nothing; a terminated open one is noticed, and asked anew", async () => {
    const gate = await gateOf("terminated");
    await intruder.terminate(`gate/${gate.id}`);
    await until("the sweep notices it", async () => {
      // As the schedule does; a run younger than ten seconds is not looked at.
      await world.client.workflow.execute("monitorSweep", { taskQueue: "lifecycle", workflowId: `sweep-${randomUUID()}` });
      const died = await world.db
        .selectFrom("audit")
        .select("seq")
        .where("kind", "=", "workflow.died")
        .where("subject", "=", gate.id)
        .execute();
      return died.length > 0;
    });
    const anew = await until("a second request", async () => {
      const { body } = await world.as("grace").get<GateView>("/api/gates/terminated.1.promotion.2");
      return body.state === "open" && body;
    });
    const old = await decide(world.as("grace"), gate, { decision: "approve" });
    expect(old).toMatchObject({ status: 409, body: { receipt: "superseded" } });
    expect((await decide(world.as("grace"), anew, { decision: "approve" })).body.receipt).toBe("accepted");
    await untilState(world, "terminated.1", ["ended"]);
    await intruder.terminate(`gate/${anew.id}`);
    expect(await rowOf(anew.id)).toEqual({ state: "closed", resolution: "approved" });
  });

  it("an id taken beforehand stops the release with a clear message, and a retry asks under the next one", async () => {
    await apply(world, await smallModel("taken", "medium"));
    const taken = { gate: "taken.1.promotion.1", digest: `sha256:${"0".repeat(64)}`, searchable: false };
    expect((await intruder.start(`gate/${taken.gate}`, "gate", taken)).ok).toBe(true);
    const release = await requestRelease(world, "taken");
    const blocked = await untilState(world, release, ["blocked"]);
    expect(blocked.blocked).toMatchObject({ stage: "gate", code: "gate-id-taken" });
    await onRecord("gate.id-taken", taken.gate);
    await world.as("olga").post(`/api/releases/${release}/unblock`, { action: "retry", reason: "it was a test" });
    expect((await untilGate(world, release)).id).toBe("taken.1.promotion.2");
  });

  it("a release that somebody starts by hand does nothing", async () => {
    await apply(world, await smallModel("by-hand", "low"));
    await intruder.start("release/by-hand.99", "release", { release: "by-hand.99", model: "by-hand" });
    await onRecord("message.refused", "by-hand.99");
    expect(await world.db.selectFrom("versions").select("id").where("model", "=", "by-hand").execute()).toEqual([]);
  });
});
