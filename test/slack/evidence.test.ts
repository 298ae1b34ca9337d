import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { Worker } from "@temporalio/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readDue, wantMessages } from "../../db/deliveries.ts";
import type { GateView } from "../../domain/http/gate-views.ts";
import type { ReadyView } from "../../domain/http/record-views.ts";
import { checkSlack } from "../../slack/health.ts";
import { workflowBundle } from "../setup/temporal.ts";
import { decide, requestRelease, untilGate, untilState } from "../world/models.ts";
import { putPromotionGate } from "../world/put-policy.ts";
import { until } from "../world/until.ts";
import { startExternalGate } from "./external-gates.ts";
import { openSlackStand, type SlackStand } from "./stand.ts";

let stand: SlackStand;
/** What the first test made and the later ones go on with. */
let model: string;

beforeAll(async () => {
  stand = await openSlackStand({ link: false, env: { SLACK_DIRECTORY: "email" } });
}, 90_000);
afterAll(async () => {
  expect(stand.slack.complaints()).toEqual([]);
  await stand.close();
});

function click(as: string, ts: string, actionId: string) {
  return stand.slack.click({ as, channel: stand.channel, ts, actionId });
}

async function told(user: string, pattern: RegExp): Promise<string> {
  const message = await stand.slack.until(() => stand.slack.ephemerals(user).findLast((one) => pattern.test(one.text)), 15_000);
  return message.text;
}

async function wayOf(name: string) {
  const { body } = await stand.call<ReadyView>("olga", "GET", "/api/health/ready");
  return body.ways.find((one) => one.way === name);
}

test("a signing secret that fits no request is told to the operator with its cure, until one fits", async () => {
  const headers = {
    "content-type": "application/json",
    "x-slack-request-timestamp": String(Math.floor(Date.now() / 1000)),
    "x-slack-signature": `v0=${"0".repeat(64)}`,
  };
  expect((await fetch(`${stand.url}/slack/events`, { method: "POST", headers, body: "{}" })).status).toBe(401);
  const wrong = await until("it is told", async () => {
    const way = await wayOf("slack-requests");
    return way?.up === false && way;
  });
  expect(wrong.cure).toContain("SLACK_SIGNING_SECRET");
  expect(await stand.slack.verifyUrl()).toBe(true);
  await until("it is cured", async () => (await wayOf("slack-requests"))?.up === true);
});

test("a scope that is missing is told by its name, the one for addresses only where the directory is switched on", async () => {
  const { slack } = stand;
  const asked = { botToken: slack.botToken, slackApiUrl: slack.apiUrl, channel: null };
  const scopes = [...(await grantedScopes())];
  slack.setScopes(scopes.filter((scope) => scope !== "users:read.email"));
  expect(await checkSlack({ ...asked, byDirectory: false })).toMatchObject({ code: "ok" });
  expect(await checkSlack({ ...asked, byDirectory: true })).toMatchObject({
    code: "missing_scope",
    detail: "The app lacks users:read.email.",
    cure: expect.stringContaining("manifest"),
  });
  slack.setScopes(scopes.filter((scope) => scope !== "files:write" && scope !== "commands"));
  expect((await checkSlack({ ...asked, byDirectory: true })).detail).toBe("The app lacks commands, files:write.");
  slack.setScopes(scopes);
});

async function grantedScopes(): Promise<string[]> {
  const answer = await fetch(`${stand.slack.apiUrl}auth.test`, {
    method: "POST",
    headers: { authorization: `Bearer ${stand.slack.botToken}` },
  });
  return (answer.headers.get("x-oauth-scopes") ?? "").split(",").map((scope) => scope.trim());
}

test("with the directory switched on a verified address links whom an admin vouches for, and nobody else", async () => {
  const { slack, world } = stand;
  expect((await stand.call("grace", "PUT", "/api/messages/people/grace", { email: "grace@example.com" })).status).toBe(403);
  for (const name of ["grace", "olga"])
    expect((await stand.call("olga", "PUT", `/api/messages/people/${name}`, { email: `${name}@example.com` })).status).toBe(200);
  const ask = async (as: string) => (await slack.command({ as, channel: stand.channel, text: "inbox" })).answer?.text ?? "";
  expect(await ask("grace")).toBe("Nothing waits for you.");
  // Her name on display is Grace; her address is another one.
  expect(await ask("mallory")).toContain("I do not know yet who you are");
  expect(await ask("george")).toContain("I do not know yet who you are");
  const linked = await world.db.selectFrom("slack_users").select(["principal_id", "how"]).execute();
  expect(linked).toEqual([{ principal_id: "grace", how: "directory" }]);
});

test("a message shows the chart of its evidence, and what was seen goes with the decision by its digest", async () => {
  const { world } = stand;
  const asked = await stand.waiting();
  ({ model } = asked);
  const { text, blocks } = asked.message;
  expect(JSON.stringify(blocks)).toMatch(/"slack_file":\{"id":"F/);
  expect((await click("grace", asked.message.ts, "gate.approve")).status).toBe(200);
  expect((await untilState(world, asked.release, ["ended"])).outcome).toBe("promoted");
  const { body } = await stand.call<GateView>("olga", "GET", `/api/gates/${asked.gate.id}`);
  const seen = body.decisions[0]?.seen;
  const kept = await world.store.getText(seen ?? "sha256:");
  expect(seen).toBe(`sha256:${createHash("sha256").update(kept).digest("hex")}`);
  expect(JSON.parse(kept)).toMatchObject({ text, blocks });
  const rendering = await world.db.selectFrom("renderings").selectAll().where("gate_id", "=", asked.gate.id).execute();
  expect(rendering).toMatchObject([{ digest: seen, surface: "slack", first_for: "grace" }]);
});

test("a picture that cannot be uploaded holds no message up; an approval on condition is given in a form", async () => {
  const { slack, world } = stand;
  await putPromotionGate(world.db, {
    conditional: { maxMs: 30 * 86_400_000 },
    inputs: [{ name: "share", title: "Share of the canary", type: "number", min: 0.01, max: 0.5, required: true }],
  });
  slack.faults({ kind: "error", error: "internal_error", methods: ["files.getUploadURLExternal"] });
  const release = await requestRelease(world, model);
  const gate = await untilGate(world, release);
  const message = await stand.messageOf(gate.id);
  slack.faults([]);
  expect(JSON.stringify(message.blocks)).not.toContain("slack_file");
  expect((await click("grace", message.ts, "gate.approve-on-condition")).ok).toBe(true);
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const values = { "input.share": "0.1", "conditions.0.finding": "the drift of age is explained", "conditions.0.by": day(90) };
  // Slack's own form keeps to the bounds that it is told.
  expect(Object.keys((await slack.submitView({ as: "grace", values: { ...values, "input.share": "0.9" } })).errors)).toEqual([
    "input.share",
  ]);
  const late = await slack.submitView({ as: "grace", values });
  expect(Object.keys(late.errors)).toEqual(["conditions.0.by"]);
  expect((await slack.submitView({ as: "grace", values: { ...values, "conditions.0.by": day(20) } })).errors).toEqual({});
  expect((await untilState(world, release, ["ended"])).outcome).toBe("promoted");
  const approval = await world.db.selectFrom("approvals").selectAll().where("version_id", "=", release).executeTakeFirstOrThrow();
  expect(approval).toMatchObject({ inputs: { share: 0.1 }, conditions: [{ by: `${day(20)}T23:59:59.999Z` }] });
});

test("an approval that lapses is told once, with what serves in its place", async () => {
  const { slack, world, channel } = stand;
  const release = await requestRelease(world, model);
  const gate = await untilGate(world, release);
  const by = new Date(Date.now() + 3_000).toISOString();
  await decide(world.as("grace"), gate, {
    decision: "approve",
    inputs: { share: 0.1 },
    conditions: [{ finding: "the labels are checked", by }],
  });
  expect((await untilState(world, release, ["ended"])).outcome).toBe("promoted");
  await until("the moment", () => Promise.resolve(new Date().toISOString() > by));
  await world.client.workflow.execute("monitorSweep", { workflowId: "sweep-of-a-test", taskQueue: "lifecycle" });
  const about = () => slack.messages(channel).filter((one) => one.text.includes(release) && !one.text.includes("Approved by"));
  const lapsed = await slack.until(() => about().find((one) => one.text.startsWith("The approval of")), 20_000);
  expect(lapsed.text).toContain(`${model}.2 serves in its place`);
  const deliveries = await world.db
    .selectFrom("deliveries")
    .select("notice")
    .where("model", "=", model)
    .where("notice", "in", ["revoked", "rolled-back", "withdrawn"])
    .execute();
  expect(deliveries).toEqual([{ notice: "revoked" }]);
});

test("a click is acknowledged once it is durable, and its receipt follows when the record is there", async () => {
  const { slack, world } = stand;
  const { gate, message } = await stand.asked({ contributors: [] });
  const before = slack.ephemerals("grace").length;
  // The closing transaction waits for this row.
  await world.db.transaction().execute(async (trx) => {
    await trx.selectFrom("gates").select("id").where("id", "=", gate).forNoKeyUpdate().executeTakeFirstOrThrow();
    expect(await click("grace", message.ts, "gate.approve")).toMatchObject({ ok: true, status: 200 });
    expect(slack.ephemerals("grace")).toHaveLength(before);
  });
  expect(await told("grace", /on record|put on record/)).toMatch(/approval|decision/);
  await slack.until(() =>
    slack.messages(stand.channel).find((one) => one.ts === message.ts && one.text.startsWith("Approved by grace")),
  );
});

test("a new request does not wait for the remarks in the threads of old ones", async () => {
  const { world } = stand;
  const limits = { aLane: 3, lanes: 5 };
  await until("all before it is delivered", async () => (await readDue(world.db, limits)).length === 0);
  await stand.stopDelivery();
  const parent = await world.db
    .selectFrom("deliveries")
    .select(["id", "destination", "event"])
    .where("notice", "=", "gate")
    .where("ts", "is not", null)
    .orderBy("number")
    .executeTakeFirstOrThrow();
  const about = { model: null, event: parent.event, way: "slack" as const, destination: parent.destination };
  const remarks = Array.from({ length: 12 }, (_, index) => ({
    ...about,
    id: `remark-${index}`,
    notice: "gate-event" as const,
    subject: `nobody.${index}`,
    parent: parent.id,
  }));
  const request = { ...about, id: "request", notice: "gate" as const, subject: "nobody.new", parent: null };
  await world.db.transaction().execute((trx) => wantMessages(trx, [...remarks, request]));
  const due = await readDue(world.db, limits);
  await world.adminDb.deleteFrom("deliveries").where("subject", "like", "nobody.%").execute();
  const lane = due.find((one) => one.id === "request")?.lane;
  expect(due.filter((one) => one.lane === lane).map((one) => one.id)).toEqual(["request", "remark-0", "remark-1"]);
});

test("a worker that starts while Slack is away posts its first message as soon as Slack is back", async () => {
  const { slack, world, channel } = stand;
  await stand.stopDelivery();
  slack.faults({ kind: "outage" });
  const calls = slack.calls().length;
  await stand.startDelivery();
  const gate = await startExternalGate(world.client);
  const asksWho = () =>
    slack
      .calls()
      .slice(calls)
      .some((call) => call.method === "auth.test");
  await until("the worker asks who it is", () => Promise.resolve(asksWho()));
  const backAt = Date.now();
  slack.faults([]);
  await slack.until(() => slack.messages(channel).find((one) => JSON.stringify(one.metadata ?? {}).includes(gate)), 30_000);
  // It was a minute: an outage was taken for a token that does not work.
  expect(Date.now() - backAt).toBeLessThan(20_000);
}, 60_000);

test("the courier's history replays", async () => {
  const handle = stand.world.client.workflow.getHandle("courier");
  const history = await handle.fetchHistory();
  const recordAs = process.env["COUNTERSIGN_RECORD"];
  if (recordAs) {
    const folder = fileURLToPath(new URL("../workflows/histories/", import.meta.url));
    await mkdir(folder, { recursive: true });
    await writeFile(
      `${folder}${recordAs}-courier.json`,
      JSON.stringify({ workflowId: "courier", history: JSON.parse(historyToJSON(history)) }),
    );
  }
  await Worker.runReplayHistory({ workflowBundle: workflowBundle() }, history, "courier");
  expect(history.events?.length).toBeGreaterThan(50);
});
