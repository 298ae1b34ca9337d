import { afterAll, beforeAll, expect, test } from "vitest";
import { untilState } from "../world/models.ts";
import { openSlackStand, type SlackStand } from "./stand.ts";

let stand: SlackStand;
beforeAll(async () => {
  stand = await openSlackStand();
}, 90_000);
afterAll(async () => {
  await stand.close();
});

test("a click approves, the person is told, and the message says who, when and how without buttons", async () => {
  const { slack, channel } = stand;
  const { release, gate, message } = await stand.waiting();
  expect(slack.complaints()).toEqual([]);
  const outcome = await slack.click({ as: "grace", channel, ts: message.ts, actionId: "gate.approve" });
  expect(outcome).toMatchObject({ ok: true, status: 200 });
  const ended = await untilState(stand.world, release, ["ended"]);
  expect(ended.outcome).toBe("promoted");
  const decided = await slack.until(() => {
    const now = slack.messages(channel).find((one) => one.ts === message.ts);
    return now?.text.startsWith("Approved") && now;
  });
  expect(decided.text).toContain("Approved by grace (slack)");
  expect(JSON.stringify(decided.blocks)).not.toContain("gate.approve");
  expect(slack.ephemerals("grace").at(-1)?.text).toContain("on record");
  const thread = await slack.until(() => {
    const replies = slack.thread(channel, message.ts);
    return replies.some((one) => one.text.includes("ended as promoted")) && replies;
  });
  expect(thread.map((one) => one.text)).toEqual(expect.arrayContaining([expect.stringContaining("Approved by grace")]));
  expect(gate.id).toContain("promotion");
});
