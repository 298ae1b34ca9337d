import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { GateView } from "../../domain/http/gate-views.ts";
import type { MessagesView } from "../../domain/http/message-views.ts";
import type { ReadyView } from "../../domain/http/record-views.ts";
import { decide } from "../world/models.ts";
import { until } from "../world/until.ts";
import { startExternalGate } from "./external-gates.ts";
import { openMailbox } from "./mailbox.ts";
import { openSlackStand, type SlackStand } from "./stand.ts";

interface Received {
  headers: Record<string, string>;
  body: string;
}

let stand: SlackStand;
let mailbox: Awaited<ReturnType<typeof openMailbox>>;
let receiver: Server;
const received: Received[] = [];
const answers: number[] = [];

beforeAll(async () => {
  mailbox = await openMailbox();
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const status = answers.shift() ?? 200;
      if (status < 300)
        received.push({
          headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
          body: Buffer.concat(chunks).toString("utf8"),
        });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  stand = await openSlackStand({
    env: { COUNTERSIGN_SMTP_URL: mailbox.url, COUNTERSIGN_MAIL_TO: "risk@bank.example" },
    socket: true,
  });
}, 90_000);
afterAll(async () => {
  expect(stand.slack.complaints()).toEqual([]);
  await stand.close();
  await mailbox.close();
  receiver.close();
});

function about(gate: string) {
  return stand.slack.messages(stand.channel).filter((one) => JSON.stringify(one.metadata ?? {}).includes(`gate/${gate}/`));
}

async function deliveriesOf(gate: string) {
  return stand.world.db.selectFrom("deliveries").selectAll().where("subject", "=", gate).orderBy("number").execute();
}

async function approve(gate: string): Promise<void> {
  const { body } = await stand.world.as("grace").get<GateView>(`/api/gates/${gate}`);
  await decide(stand.world.as("grace"), body, { decision: "approve" });
}

test("in Socket Mode people decide, are refused, and fill in forms as on the route", async () => {
  const { slack, channel, world } = stand;
  await until("the socket", async () => (await slack.command({ as: "grace", channel, text: "help" })).ok);
  const { gate, message } = await stand.asked();
  const click = (as: string, actionId: string) => slack.click({ as, channel, ts: message.ts, actionId, asSeen: message });
  const refused = await click("george", "gate.approve");
  await slack.until(() => slack.answers(refused.triggerId ?? "").some((one) => one.text.includes("wrote the report")));
  expect((await click("grace", "gate.reject")).ok).toBe(true);
  const sent = await slack.submitView({ as: "grace", values: { reason: "The calibration is off." } });
  expect(sent).toMatchObject({ ok: true, errors: {} });
  await slack.until(() => about(gate).find((one) => one.text.startsWith("Rejected by grace (slack)")), 15_000);
  // A connection that Slack ends is opened again, and a click on the old message gets its answer over it.
  slack.disconnectSockets();
  const late = await until("the next connection", async () => {
    const outcome = await click("grace", "gate.approve");
    return outcome.ok && outcome;
  });
  await slack.until(() => slack.answers(late.triggerId ?? "").some((one) => one.text.includes("closed as rejected by grace")));
  expect(
    slack
      .deliveries()
      .filter((one) => one.status === 200)
      .every((one) => one.over === "socket"),
  ).toBe(true);
  const counted = await world.db.selectFrom("decisions").select("decision").where("gate_id", "=", gate).execute();
  expect(counted).toEqual([{ decision: "reject" }]);
});

test("a socket that cannot be opened is told with its cure, and is open as soon as Slack is back", async () => {
  const { slack, channel, world } = stand;
  const told = () =>
    world.db.selectFrom("message_ways").select(["code", "cure"]).where("way", "=", "slack-requests").executeTakeFirst();
  slack.faults({ kind: "outage" });
  slack.disconnectSockets();
  const state = await until("it is told", async () => {
    const row = await told();
    return row && row.code !== "ok" && row;
  });
  expect(state.cure).toContain("tried again");
  slack.faults([]);
  await until("the socket", async () => (await slack.command({ as: "grace", channel, text: "help" })).ok);
  await until("nothing is told any more", async () => ((await told())?.code ?? "ok") === "ok");
});

test("a message whose answer was lost is found again: there is no second one", async () => {
  const { slack } = stand;
  slack.faults({ kind: "answer-lost", methods: ["chat.postMessage"], times: 1 });
  const gate = await startExternalGate(stand.world.client);
  await slack.until(() => about(gate).length > 0, 20_000);
  await until("its place is known", async () => (await deliveriesOf(gate)).some((row) => row.way === "slack" && row.ts !== null));
  expect(about(gate)).toHaveLength(1);
  expect(slack.calls().some((call) => call.method === "conversations.history")).toBe(true);
});

test("Slack's wish to slow down is obeyed, and the message arrives", async () => {
  const { slack } = stand;
  slack.faults({ kind: "rate-limited", retryAfterSeconds: 2, methods: ["chat.postMessage"], times: 1 });
  const gate = await startExternalGate(stand.world.client);
  await slack.until(() => about(gate).length > 0, 20_000);
  const posts = () => slack.calls().filter((call) => call.method === "chat.postMessage");
  const limited = posts().findLastIndex((call) => call.error === "ratelimited" || call.httpStatus === 429);
  expect(limited).toBeGreaterThanOrEqual(0);
  const next = await until("the next post", async () => posts()[limited + 1]);
  expect(next.at - posts()[limited]!.at).toBeGreaterThanOrEqual(1_900);
});

test("an outage of Slack holds nothing up, mails go out meanwhile, and the newest state is caught up", async () => {
  const { slack } = stand;
  slack.faults({ kind: "outage" });
  const gate = await startExternalGate(stand.world.client);
  await until(
    "the gate is open",
    async () => (await stand.world.as("grace").get<GateView>(`/api/gates/${gate}`)).body.state === "open",
  );
  await approve(gate);
  await until("the mails about it", async () => mailbox.mails.filter((mail) => mail.text.includes(gate)).length >= 2);
  expect(about(gate)).toEqual([]);
  slack.faults([]);
  // What was being posted when Slack came back may still be the open request; it is changed at once.
  await slack.until(() => about(gate).find((message) => message.text.includes("Approved by grace")), 45_000);
  expect(about(gate)).toHaveLength(1);
}, 90_000);

test("mails lead to the review and decide nothing; a refused one is tried again", async () => {
  mailbox.state.refusing = true;
  const gate = await startExternalGate(stand.world.client);
  await until("a try", async () => (await deliveriesOf(gate)).some((row) => row.way === "email" && row.attempts > 0));
  mailbox.state.refusing = false;
  const mail = await until("the mail", async () => mailbox.mails.find((one) => one.text.includes(gate)));
  expect(mail.to).toEqual(["risk@bank.example"]);
  expect(mail.text).toContain(`/gates/${gate}`);
  expect(mail.text).not.toMatch(/decision=|approve\?|\/decisions/);
  const page = await fetch(`${stand.url}/gates/${gate}`, { redirect: "manual" });
  expect(page.status).toBe(303);
});

test("a team's webhook is signed, tried again with the same id, and set by operators alone", async () => {
  const { world } = stand;
  const secret = `whsec_${Buffer.from("a".repeat(32)).toString("base64")}`;
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const path = "/api/messages/teams/ml-engineering";
  expect((await world.as("ada").put(path, { webhook: { url, secret } })).status).toBe(403);
  const set = await stand.call("olga", "PUT", path, { webhook: { url, secret } });
  expect(set.status).toBe(200);
  expect(JSON.stringify(await world.db.selectFrom("notify_settings").selectAll().execute())).not.toContain(secret);
  answers.push(503);
  const { gate } = await stand.waiting();
  const first = await until("the webhook", async () => received.find((one) => one.body.includes(gate.id)));
  const payload = new Webhook(secret).verify(first.body, first.headers) as { type: string };
  expect(payload.type).toBe("countersign.gate-event.opened");
  expect(() => new Webhook(secret).verify(first.body.replace("opened", "closed"), first.headers)).toThrow();
  await stand.call("olga", "PUT", path, { webhook: null });
});

test("a deleted message is posted anew, and those who may decide are told themselves", async () => {
  const { slack, channel } = stand;
  const { gate, message } = await stand.asked();
  slack.deleteMessage(channel, message.ts);
  // Something changes that the message should say.
  const { body } = await stand.world.as("grace").get<GateView>(`/api/gates/${gate}`);
  await stand.touch(body.id);
  const again = await slack.until(() => about(gate).find((one) => one.ts !== message.ts), 20_000);
  expect(again.text).toContain("May this go on?");
  await slack.until(() => slack.direct("grace").some((one) => JSON.stringify(one.blocks).includes(gate)), 20_000);
});

test("an archived channel is noticed: others are told, and health says degraded with the cure", async () => {
  const { slack, channel, world } = stand;
  slack.archive(channel);
  const gate = await startExternalGate(world.client);
  await slack.until(() => slack.direct("grace").some((one) => JSON.stringify(one.blocks).includes(gate)), 20_000);
  const ready = await until("degraded", async () => {
    const { body } = await stand.call<ReadyView>("olga", "GET", "/api/health/ready");
    return body.status === "degraded" && body;
  });
  expect(ready.ways.find((one) => one.way === "slack")).toMatchObject({ up: false, cure: expect.stringContaining("channel") });
  const { body } = await stand.call<MessagesView>("olga", "GET", "/api/messages");
  expect(body.troubled.some((one) => one.subject === gate && one.state === "failed")).toBe(true);
  slack.archive(channel, false);
});

test("a revoked token is told with its cure, and messages wait for a new one", async () => {
  const { slack, world } = stand;
  slack.faults({ kind: "error", error: "token_revoked" });
  const gate = await startExternalGate(world.client);
  const row = await until("it is put off", async () =>
    (await deliveriesOf(gate)).find((one) => one.way === "slack" && one.failure !== null),
  );
  expect(row).toMatchObject({ state: "due", cure: expect.stringContaining("SLACK_BOT_TOKEN") });
  slack.faults([]);
  await world.db.updateTable("deliveries").set({ due_at: new Date() }).where("id", "=", row.id).execute();
  await startExternalGate(world.client);
  await slack.until(() => about(gate).length === 1, 20_000);
});
