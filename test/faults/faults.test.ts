import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GateView } from "../../domain/http/gate-views.ts";
import type { ReleaseView } from "../../domain/http/release-views.ts";
import type { Stage } from "../../domain/stages.ts";
import { until } from "../world/until.ts";
import { FaultInstance, type ProcessName } from "./instance.ts";

/**
 * Kills and outages on the processes that `npm start` runs, with real flights. The suite runs a
 * seeded slice of it; `npm run faults` runs all, with outages of 20 s.
 */
const all = process.env["COUNTERSIGN_FAULTS"] === "all";
const outageMs = all ? 20_000 : 4_000;
const seed = Number(process.env["COUNTERSIGN_SEED"] ?? new Date().getUTCDate());
const model = "flight-delays";
const doneBy: Record<Stage, ProcessName> = {
  ingest: "worker-stages",
  validate: "worker-stages",
  featurize: "worker-stages",
  train: "worker-train",
  evaluate: "worker-stages",
  deploy: "worker-lifecycle",
  monitor: "worker-stages",
};
const stageKills = Object.keys(doneBy) as Stage[];
const chosen = all ? stageKills : [stageKills[seed % stageKills.length] ?? "train"];

let instance: FaultInstance;
beforeAll(async () => {
  instance = await FaultInstance.create();
  await instance.start();
}, 180_000);
afterAll(async () => {
  await instance?.end();
}, 60_000);

/** Null while there is none, or while nobody answers. */
async function readRelease(id: string): Promise<ReleaseView | null> {
  try {
    const { status, body } = await instance.call<ReleaseView>("olga", "GET", `/api/releases/${id}`);
    return status === 200 ? body : null;
  } catch {
    return null;
  }
}

async function untilRelease(id: string, what: string, is: (release: ReleaseView) => boolean): Promise<ReleaseView> {
  return until(
    `${id}: ${what}`,
    async () => {
      const release = await readRelease(id);
      if (release?.state === "blocked") throw new Error(`${id} is blocked: ${JSON.stringify(release.blocked)}`);
      return release !== null && is(release) && release;
    },
    150_000,
  );
}

const untilEnded = (id: string) => untilRelease(id, "ended", (release) => release.state === "ended");

/** The open gate of a release, as Grace sees it. */
async function openGate(id: string): Promise<GateView> {
  const release = await untilRelease(id, "a gate is open", (one) => one.gates?.some((gate) => gate.state === "open"));
  const gate = release.gates.find((one) => one.state === "open");
  return (await instance.call<GateView>("grace", "GET", `/api/gates/${gate?.id}`)).body;
}

async function request(): Promise<string> {
  const { status, body } = await instance.call<{ release: string }>("ben", "POST", `/api/models/${model}/releases`, {
    body: { reason: "a fault test", parameters: { seed: Math.trunc(Math.random() * 1e6) } },
    key: randomUUID(),
  });
  expect(status).toBe(202);
  return body.release;
}

async function approve(gate: GateView): Promise<void> {
  const { body } = await instance.call<{ receipt: string }>("grace", "POST", `/api/gates/${gate.id}/decisions`, {
    body: { decision: "approve", digest: gate.request.digest },
    key: randomUUID(),
  });
  expect(body.receipt).toBe("accepted");
}

/** Everything is killed when the decision is on record and the gate's workflow has not heard of it: Temporal is held still meanwhile. */
async function killInTheClosing(gate: GateView): Promise<void> {
  const lock = await instance.connect();
  await lock.query("begin");
  await lock.query("select from gates where id = $1 for update", [gate.id]);
  const answer = approve(gate).catch((error: unknown) => error);
  await until("the closing waits for the row", async () => {
    const waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and query like '%\"gates\"%'";
    return (await instance.query(waiting)).length > 0;
  });
  await instance.pausing("temporal", async () => {
    await lock.query("rollback");
    const counted = "select from decisions where gate_id = $1 and counted";
    await until("the record", async () => (await instance.query(counted, [gate.id])).length > 0);
    await instance.killAll();
  });
  expect(await answer).toBeInstanceOf(Error);
}

/** What must hold after any fault: promoted once, approved once, nothing twice, the chain whole. */
async function expectPromotedOnce(id: string): Promise<void> {
  const release = await untilEnded(id);
  expect(release).toMatchObject({ outcome: "promoted" });
  expect(release.stages.map((one) => one.state)).toEqual(release.stages.map(() => "done"));
  const count = async (text: string) =>
    (await instance.query<{ n: number }>(`select count(*)::int as n from ${text}`, [id]))[0]?.n;
  expect(await count("deployments where version_id = $1 and kind = 'promote'")).toBe(1);
  expect(await count("approvals where version_id = $1")).toBe(1);
  expect(await count("versions where id = $1")).toBe(1);
  expect(await count("decisions d join gates g on g.id = d.gate_id where g.release_id = $1 and d.counted")).toBe(1);
  expect(await count("audit where kind = 'release.ended' and subject = $1")).toBe(1);
  const { body } = await instance.call<{ intact: boolean }>("olga", "GET", "/api/audit/verification");
  expect(body.intact).toBe(true);
}

describe("after kill -9", () => {
  it("of everything while training, while the gate waits, and before a decision is answered, the next start goes on", async () => {
    await untilRelease(
      `${model}.1`,
      "training",
      (release) => release.stages.some((one) => one.stage === "train" && one.state === "running") || release.gates.length > 0,
    );
    await instance.killAll();
    await instance.start();
    await openGate(`${model}.1`);
    await instance.killAll();
    await instance.start();
    await killInTheClosing(await openGate(`${model}.1`));
    await instance.start();
    await expectPromotedOnce(`${model}.1`);
  }, 300_000);

  it.each(chosen)(
    "of the worker in the middle of %s, the release goes on and nothing happens twice",
    async (stage) => {
      const id = await request();
      const killed = untilRelease(id, `${stage} runs`, (release) => {
        const state = release.stages.find((one) => one.stage === stage)?.state;
        if (state !== "running" && state !== "done") return false;
        instance.kill(doneBy[stage]);
        return true;
      });
      if (stage === "deploy" || stage === "monitor") await approve(await openGate(id));
      await killed;
      if (stage !== "deploy" && stage !== "monitor") await approve(await openGate(id));
      await expectPromotedOnce(id);
    },
    300_000,
  );
});

describe(`an outage of ${outageMs / 1000} s during a decision`, () => {
  it.each(["postgres", "temporal"] as const)(
    "of %s loses and invents nothing, and the person gets a true answer",
    async (name) => {
      const id = await request();
      const gate = await openGate(id);
      const key = randomUUID();
      const send = (timeoutMs: number) =>
        instance.call<{ receipt?: string; code?: string }>("grace", "POST", `/api/gates/${gate.id}/decisions`, {
          body: { decision: "approve", digest: gate.request.digest },
          key,
          timeoutMs,
        });
      const held = instance.pausing(name, () => sleep(outageMs));
      const answer = await send(60_000);
      await held;
      // While it was held still or right after: accepted, pending, or nothing recorded (503).
      expect([200, 202, 503], JSON.stringify(answer)).toContain(answer.status);
      if (answer.status === 200) expect(answer.body.receipt).toBe("accepted");
      if (answer.status === 202) expect(answer.body.receipt).toBe("pending");
      await until(
        "the same key is answered as accepted",
        async () => {
          const again = await send(20_000);
          return again.status === 200 && again.body.receipt === "accepted";
        },
        60_000,
      );
      await expectPromotedOnce(id);
    },
    300_000,
  );
});
