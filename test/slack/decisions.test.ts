import { createHmac } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { GateView } from "../../domain/http/gate-views.ts";
import { decide, untilState } from "../world/models.ts";
import { putPolicy } from "../world/put-policy.ts";
import { openSlackStand, type SlackStand } from "./stand.ts";

let stand: SlackStand;
beforeAll(async () => {
  stand = await openSlackStand();
}, 90_000);
afterAll(async () => {
  expect(stand.slack.complaints()).toEqual([]);
  await stand.close();
});

/** The message as it stands, once it begins like this. */
function untilSays(ts: string, begin: string) {
  const { slack, channel } = stand;
  return slack.until(() => slack.messages(channel).find((one) => one.ts === ts && one.text.startsWith(begin)), 15_000);
}

function click(as: string, ts: string, actionId = "gate.approve") {
  return stand.slack.click({ as, channel: stand.channel, ts, actionId });
}

async function told(user: "grace" | "george" | "ada" | "gus" | "stan" | "mallory" | "ben", count = 1): Promise<string> {
  const all = await stand.slack.until(() => {
    const seen = stand.slack.ephemerals(user);
    return seen.length >= count && seen;
  });
  return all.at(-1)?.text ?? "";
}

async function decisionsOf(gate: string) {
  const { db } = stand.world;
  return db
    .selectFrom("decisions")
    .select(["principal_id", "decision", "counted", "surface"])
    .where("gate_id", "=", gate)
    .execute();
}

test("a click approves, the person is told, and the message says who, when and how without buttons", async () => {
  const { slack, channel } = stand;
  const { release, gate: asked, message } = await stand.waiting();
  const gate = asked.id;
  const before = slack.ephemerals("grace").length;
  expect(await click("grace", message.ts)).toMatchObject({ ok: true, status: 200 });
  expect((await untilState(stand.world, release, ["ended"])).outcome).toBe("promoted");
  const decided = await untilSays(message.ts, "Approved by grace (slack)");
  expect(JSON.stringify(decided.blocks)).not.toContain("gate.approve");
  expect(await told("grace", before + 1)).toContain("on record");
  const thread = await slack.until(() => {
    const replies = slack.thread(channel, message.ts);
    return replies.some((one) => one.text.includes("ended as promoted")) && replies;
  }, 15_000);
  expect(thread.some((one) => one.text.startsWith("Approved by grace"))).toBe(true);
  expect(await decisionsOf(gate)).toEqual([{ principal_id: "grace", decision: "approve", counted: true, surface: "slack" }]);
});

test("a double click is one decision, two people at once are one resolution, and everybody is told", async () => {
  const { gate, message } = await stand.asked({ contributors: [] });
  const before = { grace: stand.slack.ephemerals("grace").length, george: stand.slack.ephemerals("george").length };
  const outcomes = await Promise.all([click("grace", message.ts), click("grace", message.ts), click("george", message.ts)]);
  expect(outcomes.map((one) => one.status)).toEqual([200, 200, 200]);
  await untilSays(message.ts, "Approved by");
  const counted = (await decisionsOf(gate)).filter((one) => one.counted);
  expect(counted).toHaveLength(1);
  await told("grace", before.grace + 2);
  await told("george", before.george + 1);
});

test("a delivery that Slack sends twice is taken once", async () => {
  const { gate, message } = await stand.asked();
  const outcome = await click("grace", message.ts);
  const again = await stand.slack.replay(outcome.deliveryId, {});
  expect(again.status).toBe(409);
  await untilSays(message.ts, "Approved by grace");
  expect(await decisionsOf(gate)).toHaveLength(1);
});

test("a forged, a stale, a future and an oversized request are refused, and nothing is decided", async () => {
  const { gate, message } = await stand.asked();
  // A click of somebody who may not decide gives a genuine request to change.
  const { deliveryId } = await click("pia", message.ts);
  const { slack } = stand;
  expect((await slack.replay(deliveryId, { secret: "another secret", at: Date.now() })).status).toBe(401);
  expect((await slack.replay(deliveryId, { at: Date.now() - 6 * 60_000 })).status).toBe(401);
  expect((await slack.replay(deliveryId, { at: Date.now() + 3 * 60_000 })).status).toBe(401);
  expect((await slack.replay(deliveryId, { at: Date.now() + 1_000, body: `payload=${"x".repeat(600_000)}` })).status).toBe(413);
  expect((await slack.replay(deliveryId, { at: Date.now() + 2_000, body: "payload={" })).status).toBe(400);
  expect(await decisionsOf(gate)).toEqual([]);
  expect((await stand.world.as("grace").get<{ state: string }>(`/api/gates/${gate}`)).body.state).toBe("open");
});

test("a workspace that is not on the list is refused", async () => {
  const body = `payload=${encodeURIComponent(JSON.stringify({ type: "block_actions", team: { id: "T0000EVIL" }, user: { id: "U1", team_id: "T0000EVIL" }, actions: [] }))}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = `v0=${createHmac("sha256", stand.slack.signingSecret).update(`v0:${timestamp}:${body}`).digest("hex")}`;
  const answer = await fetch(`${stand.url}/slack/events`, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": signature,
    },
    body,
  });
  expect(answer.status).toBe(403);
});

test("guests, strangers, bots' namesakes and contributors are told in private why not, and nothing is decided", async () => {
  const { gate, message } = await stand.asked();
  for (const as of ["gus", "mallory", "george", "pia"]) expect((await click(as, message.ts)).ok).toBe(true);
  expect(await told("gus")).toContain("Guests cannot act");
  // Her name on display is Grace; that says nothing.
  expect(await told("mallory")).toContain("I do not know yet who you are");
  expect(await told("george")).toMatch(/george wrote the report, so somebody else/);
  expect((await decisionsOf(gate)).filter((one) => one.counted)).toEqual([]);
  const refused = await stand.world.db
    .selectFrom("attempts")
    .select(["principal_id", "receipt"])
    .where("gate_id", "=", gate)
    .execute();
  expect(refused).toEqual([{ principal_id: "george", receipt: "self" }]);
});

test("rejecting opens a form, an empty reason is told at its field, and the form then decides", async () => {
  const { slack } = stand;
  const { message } = await stand.asked();
  expect((await click("grace", message.ts, "gate.reject")).ok).toBe(true);
  expect(slack.view("grace")?.view.callback_id).toBe("decide");
  const refused = await slack.submitView({ as: "grace", values: { reason: " " } });
  expect(Object.keys(refused.errors)).toEqual(["reason"]);
  const done = await slack.submitView({ as: "grace", values: { reason: "The calibration is off." } });
  expect(done).toMatchObject({ ok: true, errors: {} });
  expect(JSON.stringify(slack.view("grace"))).toContain("on record");
  await untilSays(message.ts, "Rejected by grace");
});

test("a request for changes says faults at its fields and leads to the next release", async () => {
  const { slack } = stand;
  const { release, message } = await stand.waiting();
  await click("george", message.ts, "gate.request-changes");
  const values = { reason: "Try another seed.", parameters: "seed is 8" };
  expect(Object.keys((await slack.submitView({ as: "george", values })).errors)).toEqual(["parameters"]);
  expect((await slack.submitView({ as: "george", values: { ...values, parameters: "seed = 8" } })).ok).toBe(true);
  const ended = await untilState(stand.world, release, ["ended"]);
  expect(ended).toMatchObject({ outcome: "changes-requested" });
  await untilSays(message.ts, "Changes requested by george");
});

test("a decision elsewhere changes the message, and a click on the old one is told so", async () => {
  const { slack } = stand;
  const { gate, message } = await stand.asked({ contributors: [] });
  const { body } = await stand.world.as("george").get<GateView>(`/api/gates/${gate}`);
  await decide(stand.world.as("george"), body, { decision: "approve" });
  await untilSays(message.ts, "Approved by george (api)");
  // Somebody whose client still shows the old message.
  const before = slack.ephemerals("grace").length;
  await slack.click({ as: "grace", channel: stand.channel, ts: message.ts, actionId: "gate.approve", asSeen: message });
  expect(await told("grace", before + 1)).toContain("closed as approved by george");
});

test("who left the group while the gate waits is refused", async () => {
  const { db } = stand.world;
  const { gate, message } = await stand.asked({ contributors: [] });
  const membership = db.updateTable("group_members").where("principal_id", "=", "george").where("group_id", "=", "model-risk");
  await membership.set({ until: new Date() }).execute();
  const before = stand.slack.ephemerals("george").length;
  await click("george", message.ts);
  expect(await told("george", before + 1)).toContain("may not see it");
  expect((await decisionsOf(gate)).filter((one) => one.counted)).toEqual([]);
  await membership.set({ until: null }).execute();
});

test("what is not known in time is not acknowledged; the message tells the truth, and a second click is told", async () => {
  const { gate, message } = await stand.asked();
  await stand.world.stopWorkers();
  const outcome = await click("grace", message.ts);
  expect(outcome).toMatchObject({ ok: false, status: 503 });
  expect(outcome.tookMs).toBeLessThan(3_000);
  await stand.world.startWorkers();
  await untilSays(message.ts, "Approved by grace (slack)");
  expect((await decisionsOf(gate)).filter((one) => one.counted)).toHaveLength(1);
});

test("rejecting again while others still decide is told as on record already, and opens no second form", async () => {
  const { slack, world } = stand;
  await putPolicy(world.db, ({ external }) => ({
    external: (external ?? []).map((rule) => ({ ...rule, quorum: 2, rejections: 2 })),
  }));
  const { gate, message } = await stand.asked({ contributors: [] });
  await click("grace", message.ts, "gate.reject");
  expect((await slack.submitView({ as: "grace", values: { reason: "The calibration is off." } })).ok).toBe(true);
  await slack.until(() => JSON.stringify(slack.view("grace")).includes("on record"));
  await slack.closeView({ as: "grace" });
  const before = slack.ephemerals("grace").length;
  await slack.click({ as: "grace", channel: stand.channel, ts: message.ts, actionId: "gate.reject", asSeen: message });
  expect(await told("grace", before + 1)).toBe("Your rejection is on record already; nothing more to do.");
  expect(slack.view("grace")).toBeNull();
  // Another way is another matter.
  await slack.click({ as: "grace", channel: stand.channel, ts: message.ts, actionId: "gate.approve", asSeen: message });
  expect(await told("grace", before + 2)).toContain("withdraw that first");
  expect((await world.as("grace").get<GateView>(`/api/gates/${gate}`)).body.state).toBe("open");
});
