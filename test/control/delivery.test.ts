import { setTimeout as sleep } from "node:timers/promises";
import { Client, Connection } from "@temporalio/client";
import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createRecordActivities } from "../../activities/record/record-activities.ts";
import { createCommandVerifier } from "../../approvals/verify-command.ts";
import { createApp } from "../../api/app.ts";
import { createControl } from "../../control/control.ts";
import type { ControlLimits } from "../../control/deps.ts";
import { createSigner } from "../../control/signing.ts";
import { verifyAudit } from "../../db/audit.ts";
import { applyExample, waitAtGate, type OpenGate } from "../records/passage.ts";
import { createTcpGate, type TcpGate } from "../serving/tcp-gate.ts";
import { temporalAddress, workflowBundle } from "../setup/temporal.ts";
import { until } from "../world/until.ts";
import { createFront, type Front } from "./front.ts";
import { testSealer } from "../world/sealer.ts";

Runtime.install({ logger: new DefaultLogger("ERROR") });

interface Told {
  receipt: string;
  command?: string;
  gate: { state: string; resolution: string | null };
}

let front: Front;
let wire: TcpGate;
let worker: { stop(): Promise<void> };
let wired: Client;
let releases = 0;
let at: OpenGate;

beforeAll(async () => {
  front = await createFront();
  await applyExample(front.registry);
  worker = await startWorker();
  const [host = "", port = ""] = temporalAddress().split(":");
  wire = await createTcpGate({ host, port: Number(port) });
  wired = new Client({
    connection: Connection.lazy({ address: `127.0.0.1:${wire.port}`, interceptors: [] }),
    namespace: front.namespace,
  });
});
afterAll(async () => {
  expect(await verifyAudit(front.db)).toMatchObject({ ok: true });
  await wired.connection.close();
  await wire.close();
  await worker.stop();
  await front.stop();
});

/** A new gate for each test, with its workflow; what was before is rejected or approved by then. */
beforeEach(async () => {
  at = await waitAtGate(front.registry, (releases += 1));
  await front.client.workflow.start("gate", {
    workflowId: `gate/${at.gate}`,
    taskQueue: "lifecycle",
    args: [{ gate: at.gate, digest: at.digest, searchable: false }],
  });
  await until("the gate's workflow is open", async () => {
    const state = await front.client.workflow.getHandle(`gate/${at.gate}`).query<{ state: string }>("state");
    return state.state === "open";
  });
  return async () => {
    await front.records.endRelease({ release: at.release, outcome: "withdrawn", next: null, summary: "The test is over." });
  };
});

async function startWorker() {
  const connection = await NativeConnection.connect({ address: temporalAddress() });
  const verifier = createCommandVerifier({ publicKeyPem: front.keys.publicKey });
  const activities = createRecordActivities({ db: front.db, store: front.store, verifier, sealer: testSealer });
  const started = await Worker.create({
    connection,
    namespace: front.namespace,
    taskQueue: "lifecycle",
    workflowBundle: workflowBundle(),
    activities,
  });
  const running = started.run();
  return {
    async stop() {
      started.shutdown();
      await running;
      await connection.close();
    },
  };
}

/** A server process of its own, over the wire that tests cut. */
function createServer(limits: Partial<ControlLimits> = {}) {
  const control = createControl({
    db: front.db,
    temporal: wired,
    store: front.store,
    signer: createSigner({ privateKeyPem: front.keys.privateKey }),
    limits: { knownWithinMs: 1_500, reachedWithinMs: 500, leaseMs: 200, ...limits },
  });
  const app = createApp({ control, rate: { burst: 10_000, perSecond: 10_000 } });
  const ask = async (
    as: string,
    path: string,
    init: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ) => {
    const response = await app.request(path, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${front.tokens[as]}` },
    });
    const text = await response.text();
    return { status: response.status, text, headers: response.headers, body: JSON.parse(text) as Told & Record<string, unknown> };
  };
  return {
    control,
    ask,
    decide: (as: string, key: string, body: object = {}) =>
      ask(as, `/api/gates/${at.gate}/decisions`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify({ decision: "approve", digest: at.digest, ...body }),
      }),
  };
}

const decisions = () => front.db.selectFrom("decisions").selectAll().where("gate_id", "=", at.gate).execute();
const commandOf = (key: string) =>
  front.db.selectFrom("commands").selectAll().where("idempotency_key", "=", key).executeTakeFirstOrThrow();

describe("a decision", () => {
  test("is accepted, closes the gate, and its key gives the same bytes again, also from another process", async () => {
    const first = await createServer().decide("grace", "k1");
    expect(first).toMatchObject({
      status: 200,
      body: { receipt: "accepted", gate: { state: "closed", resolution: "approved" }, missing: [] },
    });
    const again = await createServer().decide("grace", "k1");
    expect(again.text).toBe(first.text);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await decisions()).toMatchObject([{ principal_id: "grace", counted: true }]);
    const late = await createServer().decide("grace", "k1-late");
    expect(late).toMatchObject({ status: 409, body: { receipt: "already-decided" } });
  });

  test("of two hundred at once one is accepted, and every one is answered", async () => {
    const server = createServer({ knownWithinMs: 30_000 });
    const clicks = Array.from({ length: 200 }, (_, n) =>
      server.decide(
        n % 2 === 0 ? "grace" : "george",
        `flood-${at.gate}-${n}`,
        n % 3 === 0 ? { decision: "reject", reason: "no" } : {},
      ),
    );
    const answers = await Promise.all(clicks);
    const receipts = Map.groupBy(answers, (answer) => `${answer.status} ${answer.body.receipt}`);
    expect(receipts.get("200 accepted")).toHaveLength(1);
    expect([...receipts.keys()].toSorted()).toEqual(["200 accepted", "409 already-decided"]);
    const rows = await decisions();
    expect(rows.filter((row) => row.counted)).toHaveLength(1);
    const { historyLength } = await front.client.workflow.getHandle(`gate/${at.gate}`).describe();
    expect(historyLength).toBeLessThan(60);
  });

  test("that Temporal holds up is pending, with where to ask; once Temporal answers it is settled under the same command", async () => {
    const server = createServer();
    await server.ask("grace", `/api/gates/${at.gate}`);
    await server.control.ready();
    await wire.set("frozen");
    const pending = await server.decide("grace", "k2");
    await wire.set("open");
    expect(pending).toMatchObject({ status: 202, body: { receipt: "pending" } });
    const place = pending.headers.get("location") ?? "";
    expect(place).toBe(`/api/commands/${pending.body.command}`);
    expect((await server.ask("grace", place)).body).toMatchObject({ state: "pending" });
    expect((await server.ask("george", place)).status).toBe(404);
    expect((await server.decide("grace", "k2")).text).toBe(pending.text);

    await until("the command is settled", async () => (await server.control.settlePending()) > 0);
    const known = await server.ask("grace", place);
    expect(known.body).toMatchObject({
      state: "done",
      answer: { status: 200, body: { receipt: "accepted", gate: { resolution: "approved" } } },
    });
    expect(await server.decide("grace", "k2")).toMatchObject({ status: 200, body: { receipt: "accepted" } });
    expect(await decisions()).toMatchObject([{ command_id: pending.body.command, counted: true }]);
  });

  test("that waits at the door of its gate is answered within the same time as every other", async () => {
    const server = createServer({ decisionsAtTheDoor: 1 });
    await server.ask("grace", `/api/gates/${at.gate}`);
    await server.control.ready();
    await wire.set("frozen");
    const first = server.decide("grace", `door-${at.gate}`);
    await sleep(750);
    const began = performance.now();
    const second = await server.decide("george", `door-too-${at.gate}`);
    const tookMs = performance.now() - began;
    await wire.set("open");
    expect(second.status).toBe(202);
    expect(tookMs).toBeLessThan(1_900);
    await first;
  });

  test("that cannot reach Temporal at all is not decided, and its key may try again", async () => {
    const server = createServer();
    await wire.set("refused");
    const away = await server.decide("grace", "k3");
    expect(away).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(away.headers.get("retry-after")).toBe("2");
    expect(await decisions()).toEqual([]);
    await wire.set("open");
    const { id } = await commandOf("k3");
    const again = await until("Temporal is reached again", async () => {
      const answer = await server.decide("grace", "k3");
      return answer.status === 503 ? null : answer;
    });
    expect(again).toMatchObject({ status: 200, body: { receipt: "accepted" } });
    expect(await decisions()).toMatchObject([{ command_id: id }]);
  });

  test("left lying by a process that died is taken up by the next try, under the same command", async () => {
    const server = createServer();
    const first = await server.decide("george", "k4");
    const lie = (takenAt: Date) =>
      front.db
        .updateTable("commands")
        .set({ state: "running", response_status: null, response_body: null, completed_at: null, taken_at: takenAt })
        .where("idempotency_key", "=", "k4")
        .execute();
    await lie(new Date(Date.now() + 60_000));
    const early = await server.decide("george", "k4");
    expect(early).toMatchObject({ status: 409, body: { code: "key-in-use" } });
    expect(early.headers.get("retry-after")).toBe("1");
    await lie(new Date(Date.now() - 60_000));
    const taken = await server.decide("george", "k4");
    expect(taken.text).toBe(first.text);
    expect(await decisions()).toHaveLength(1);
  });

  test("whose body changes under the same key is refused, and the first one stands", async () => {
    const server = createServer();
    await server.decide("grace", "k5", { decision: "reject", reason: "not yet" });
    const other = await server.decide("grace", "k5");
    expect(other).toMatchObject({ status: 422, body: { code: "key-reused" } });
    expect(await decisions()).toMatchObject([{ decision: "reject" }]);
  });

  test("of somebody who left the group before it was counted does not count; she is told, and the gate goes on waiting", async () => {
    const server = createServer({ knownWithinMs: 20_000, recordedWithinMs: 10_000 });
    await worker.stop();
    const deciding = server.decide("george", "k6");
    await until("the decision is signed and on its way", async () => {
      const row = await front.db.selectFrom("commands").select("signed").where("idempotency_key", "=", "k6").executeTakeFirst();
      return row?.signed;
    });
    await front.db
      .updateTable("group_members")
      .set({ until: new Date() })
      .where("principal_id", "=", "george")
      .where("until", "is", null)
      .execute();
    worker = await startWorker();
    expect(await deciding).toMatchObject({
      status: 403,
      body: { receipt: "not-allowed", gate: { state: "open", resolution: null } },
    });
    expect(await decisions()).toMatchObject([{ principal_id: "george", counted: false }]);
    expect(await server.decide("grace", "k7")).toMatchObject({
      status: 200,
      body: { receipt: "accepted", gate: { state: "closed" } },
    });
  });
});
