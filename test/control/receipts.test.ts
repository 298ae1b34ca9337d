import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { verifyAudit } from "../../db/audit.ts";
import { applyExample, decision, waitAtGate, type OpenGate } from "../records/passage.ts";
import { createFront, type Front } from "./front.ts";

interface Told {
  receipt: string;
  message: string;
  decision: string;
  by: string;
  at: string;
  gate: { id: string; state: string; resolution: string | null };
  missing: string[];
  code?: string;
  errors?: { path: string }[];
  supersededBy?: string;
}

let front: Front;
let at: OpenGate;

beforeAll(async () => {
  front = await createFront();
  await applyExample(front.registry);
  at = await waitAtGate(front.registry, 1);
});
afterAll(async () => {
  expect(await verifyAudit(front.db)).toMatchObject({ ok: true });
  await front.stop();
});

const decide = (as: string, body: object, gate = at.gate) =>
  front.as(as).post<Told>(`/api/gates/${gate}/decisions`, { decision: "approve", digest: at.digest, ...body });
const attempts = () => front.db.selectFrom("attempts").selectAll().orderBy("at").execute();
const chained = () => front.db.selectFrom("audit").selectAll().where("kind", "=", "attempt.refused").execute();

describe("while the gate is open", () => {
  let before: number;
  beforeEach(async () => {
    before = (await attempts()).length;
  });
  async function recordedOnce(receipt: string, by: string) {
    const rows = await attempts();
    expect(rows).toHaveLength(before + 1);
    expect(rows.at(-1)).toMatchObject({ gate_id: at.gate, principal_id: by, receipt, surface: "api" });
    expect(await chained()).toHaveLength(rows.length);
  }

  test("no right to see it is 404, and no attempt on it", async () => {
    expect((await decide("pia", {})).status).toBe(404);
    expect(await attempts()).toHaveLength(before);
  });

  test("who is in no group that may decide is not allowed", async () => {
    const answer = await decide("olga", {});
    expect(answer).toMatchObject({
      status: 403,
      body: { receipt: "not-allowed", code: "not-allowed", by: "olga", decision: "approve" },
    });
    expect(answer.body.gate).toEqual({ id: at.gate, state: "open", resolution: null });
    expect(answer.body.missing).toEqual(["1 approval by model-risk"]);
    await recordedOnce("not-allowed", "olga");
  });

  test("a machine is not allowed, whatever group it is in", async () => {
    expect(await decide("ci", {})).toMatchObject({
      status: 403,
      body: { receipt: "not-allowed", message: expect.stringContaining("machine") },
    });
    await recordedOnce("not-allowed", "ci");
  });

  test("who contributed is told how, also as a member of the deciding group", async () => {
    await front.db
      .insertInto("group_members")
      .values({ group_id: "model-risk", principal_id: "ada", since: "2020-01-01T00:00:00Z" })
      .execute();
    expect(await decide("ada", {})).toMatchObject({
      status: 403,
      body: { receipt: "self", message: expect.stringContaining("requested this release") },
    });
    await recordedOnce("self", "ada");
  });

  test("who joined after the gate opened is not allowed", async () => {
    await front.db.insertInto("group_members").values({ group_id: "model-risk", principal_id: "ben" }).execute();
    expect(await decide("ben", {})).toMatchObject({
      status: 403,
      body: { receipt: "not-allowed", message: expect.stringContaining("joined") },
    });
    await recordedOnce("not-allowed", "ben");
  });

  test("a digest that was never this gate's is stale", async () => {
    expect(await decide("grace", { digest: `sha256:${"1".repeat(64)}` })).toMatchObject({
      status: 409,
      body: { receipt: "stale" },
    });
    await recordedOnce("stale", "grace");
  });

  test("a missing reason, an unknown decision, a field out of place are invalid, each naming the field; the gate goes on waiting", async () => {
    const faults: [object, string][] = [
      [{ decision: "reject" }, "reason"],
      [{ decision: "reject", reason: "   " }, "reason"],
      [{ decision: "request-changes", reason: "" }, "reason"],
      [{ decision: "escalate" }, "reason"],
      [{ decision: "maybe" }, "decision"],
      [{ digest: "sha256:short" }, "digest"],
      [{ inputs: { share: 0.1 } }, "inputs.share"],
      [{ conditions: [{ finding: "x", by: "2026-01-01T00:00:00Z" }] }, "conditions"],
      [{ returnTo: "train" }, "returnTo"],
      [{ parameters: { seed: 1 } }, "parameters"],
      [{ seen: `sha256:${"9".repeat(64)}` }, "seen"],
      [{ surprise: true }, "surprise"],
    ];
    for (const [body, field] of faults) {
      const answer = await decide("grace", body);
      expect([JSON.stringify(body), answer.status, answer.body.receipt]).toEqual([JSON.stringify(body), 422, "invalid"]);
      expect(answer.body.errors?.map((error) => error.path)).toContain(field);
    }
    const row = await front.db.selectFrom("gates").selectAll().where("id", "=", at.gate).executeTakeFirstOrThrow();
    expect(row.state).toBe("open");
    expect((await attempts()).length).toBe(before + faults.length);
  });

  test("a body that is no JSON at all is refused with a receipt too", async () => {
    const response = await front.raw(`/api/gates/${at.gate}/decisions`, {
      as: "grace",
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{",
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "malformed-body",
      receipt: "invalid",
      gate: { id: at.gate, state: "open" },
    });
    await recordedOnce("invalid", "grace");
  });

  test("invalid comes before who may: a stranger with a bad body learns about the body", async () => {
    expect(await decide("olga", { decision: "reject" })).toMatchObject({ status: 422, body: { receipt: "invalid" } });
  });

  test("a GET on the decision's path decides nothing", async () => {
    const response = await front.raw(`/api/gates/${at.gate}/decisions`, { as: "grace" });
    expect(response.status).toBe(405);
  });

  test("the same refused attempt under its key gives the same receipt, byte for byte, and is recorded once", async () => {
    const body = { decision: "approve", digest: at.digest };
    const first = await front.as("olga").post<Told>(`/api/gates/${at.gate}/decisions`, body, "olgas-key");
    const again = await front.as("olga").post<Told>(`/api/gates/${at.gate}/decisions`, body, "olgas-key");
    expect(again.body).toEqual(first.body);
    expect([first.headers.get("idempotent-replayed"), again.headers.get("idempotent-replayed")]).toEqual([null, "true"]);
    await recordedOnce("not-allowed", "olga");
    const other = await front
      .as("olga")
      .post<Told>(`/api/gates/${at.gate}/decisions`, { ...body, reason: "changed" }, "olgas-key");
    expect([other.status, other.body.code]).toEqual([422, "key-reused"]);
  });

  test("what she would be answered stands in the gate as she reads it", async () => {
    const you = async (as: string) => (await front.as(as).get<{ you: object }>(`/api/gates/${at.gate}`)).body.you;
    expect(await you("grace")).toEqual({ mayDecide: true, receipt: null, why: null });
    expect(await you("ada")).toMatchObject({ mayDecide: false, receipt: "self" });
    expect(await you("olga")).toMatchObject({ mayDecide: false, receipt: "not-allowed" });
  });

  test("the inbox shows it to those who may decide, and to nobody else as theirs", async () => {
    const inbox = async (as: string, query: string) =>
      (await front.as(as).get<{ items: { id: string }[] }>(`/api/gates?${query}`)).body.items.map((item) => item.id);
    expect(await inbox("grace", "state=open&mine=true")).toEqual([at.gate]);
    for (const as of ["ada", "olga", "ci"]) expect(await inbox(as, "mine=true")).toEqual([]);
    expect(await inbox("olga", "state=open&mine=false")).toEqual([at.gate]);
    expect(await inbox("pia", "")).toEqual([]);
  });

  test("with no workflow behind the gate nothing is decided, and the same key may try again", async () => {
    const answer = await decide("george", {});
    expect(answer).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect(answer.headers.get("retry-after")).toBe("2");
    expect(await front.db.selectFrom("decisions").selectAll().execute()).toEqual([]);
  });

  test("a flood by one person is counted, not chained", async () => {
    const chainedBefore = (await chained()).length;
    const olgas = (await attempts()).filter((row) => row.principal_id === "olga").length;
    await Promise.all(Array.from({ length: 40 }, () => decide("olga", {})));
    expect((await attempts()).filter((row) => row.principal_id === "olga")).toHaveLength(olgas + 40);
    const grown = (await chained()).length - chainedBefore;
    expect(grown).toBeLessThan(30);
    expect((await decide("olga", {})).status).toBe(403);
    expect((await chained()).length - chainedBefore).toBe(grown);
  });
});

describe("once it is closed", () => {
  test("the late ones learn by whom, when and how; those who may not decide learn that instead", async () => {
    const closing = await front.records.closeGate({
      gate: at.gate,
      commands: [decision(front.registry, at, "grace", { decision: "reject", reason: "too wide an interval" })],
    });
    expect(closing).toMatchObject({ kind: "closed", resolution: "rejected" });
    const late = await decide("george", {});
    expect(late).toMatchObject({
      status: 409,
      body: { receipt: "already-decided", gate: { state: "closed", resolution: "rejected" }, missing: [] },
    });
    expect(late.body.message).toMatch(/rejected by grace on \d+ \w{3} \d{4}, \d\d:\d\d UTC/);
    expect(await decide("olga", {})).toMatchObject({ status: 403, body: { receipt: "not-allowed" } });
    expect(await decide("george", { decision: "reject" })).toMatchObject({ status: 422, body: { receipt: "invalid" } });
  });

  test("a decision on the digest of an earlier request is superseded, naming the newer one", async () => {
    const { request, ...row } = await front.db
      .selectFrom("gates")
      .select(["model", "release_id", "name", "subject_kind", "subject_id", "subject_digest", "opened_at", "request"])
      .where("id", "=", at.gate)
      .executeTakeFirstOrThrow();
    const second = { ...request, gate: `${at.release}.promotion.2` };
    await front.db
      .insertInto("gates")
      .values({
        ...row,
        id: second.gate,
        number: 2,
        state: "open",
        resolution: null,
        closed_at: null,
        outcome: null,
        request: JSON.stringify(second),
        request_digest: `sha256:${"2".repeat(64)}`,
      })
      .execute();
    expect(await decide("george", {}, second.gate)).toMatchObject({
      status: 409,
      body: { receipt: "superseded", supersededBy: second.gate },
    });
    await front.db.updateTable("gates").set({ superseded_by: second.gate }).where("id", "=", at.gate).execute();
    const old = await decide("george", {});
    expect(old).toMatchObject({ status: 409, body: { receipt: "superseded", supersededBy: second.gate } });
    expect(old.body.message).toContain(second.gate);
  });
});
