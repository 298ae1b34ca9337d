import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSlackSandbox, type SlackSandbox } from "../../slack-sandbox/sandbox.ts";
import { errorOf, refusal } from "./refusals.ts";
import { clientOf } from "./small-app.ts";

let slack: SlackSandbox;
beforeAll(async () => {
  slack = await createSlackSandbox({ rateLimits: false });
});
afterAll(() => slack.close());

describe("people and channels", () => {
  test("are told as Slack tells them: guest, stranger, deactivated, another's name", async () => {
    const client = clientOf(slack);
    const of = async (id: string) => (await client.users.info({ user: id })).user;
    expect(await of(slack.users.gus.id)).toMatchObject({ is_restricted: true });
    expect(await of(slack.users.stan.id)).toMatchObject({
      is_stranger: true,
      team_id: expect.not.stringContaining(slack.teamId),
    });
    expect(await of(slack.users.dora.id)).toMatchObject({ deleted: true });
    expect(await of(slack.users.mallory.id)).toMatchObject({ profile: { display_name: "Grace" } });
    expect(await of(slack.users.pia.id)).toMatchObject({ tz: "Asia/Tokyo", tz_offset: 9 * 3_600 });
    expect(await errorOf(client.users.info({ user: "U404" }))).toBe("user_not_found");
    const { members } = await client.users.list({});
    expect(members?.some(({ id }) => id === slack.users.stan.id)).toBe(false);
  });

  test("are found by e-mail unless they left or are of another workspace", async () => {
    const client = clientOf(slack);
    expect((await client.users.lookupByEmail({ email: "Ada@Example.com" })).user?.id).toBe(slack.users.ada.id);
    for (const email of ["dora@example.com", "stan@partner.example", "nobody@example.com"])
      expect(await errorOf(client.users.lookupByEmail({ email }))).toBe("users_not_found");
  });

  test("are listed by page, and joined", async () => {
    const client = clientOf(slack);
    const first = await client.conversations.list({ limit: 3 });
    const second = await client.conversations.list({ limit: 10, cursor: first.response_metadata?.next_cursor ?? "" });
    const names = [...(first.channels ?? []), ...(second.channels ?? [])].map(({ name }) => name);
    expect(names).toEqual(["ml-approvals", "product", "ml-alerts", "general", "partners", "random", "old-models"]);
    expect((await client.conversations.info({ channel: slack.channels.random.id })).channel).toMatchObject({ is_member: false });
    await client.conversations.join({ channel: slack.channels.random.id });
    expect((await client.chat.postMessage({ channel: "random", text: "here" })).ok).toBe(true);
    slack.leave("random");
    expect(await errorOf(client.conversations.history({ channel: slack.channels.random.id }))).toBe("not_in_channel");
    const { members } = await client.conversations.members({ channel: slack.channels.partners.id });
    expect(members).toContain(slack.users.stan.id);
  });
});

describe("a file", () => {
  const bytes = Buffer.from("a chart, as it were");

  test("is uploaded in three steps and shown in a block", async () => {
    const client = clientOf(slack);
    const { upload_url: url = "", file_id: id = "" } = await client.files.getUploadURLExternal({
      filename: "chart.png",
      length: bytes.length,
    });
    const blocks = [{ type: "image" as const, alt_text: "chart", slack_file: { id } }];
    const post = () => client.chat.postMessage({ channel: "general", text: "chart", blocks });
    expect((await refusal(post()))["errors"]).toEqual(["invalid slack file [json-pointer:/blocks/0/slack_file]"]);
    expect(await errorOf(client.files.completeUploadExternal({ files: [{ id, title: "Chart" }] }))).toBe("file_not_found");
    expect((await fetch(url, { method: "POST", body: bytes })).status).toBe(200);
    await client.files.completeUploadExternal({ files: [{ id, title: "Chart" }] });
    expect((await post()).ok).toBe(true);
    const shown = await fetch(`${slack.url}/files/${id}/chart.png`);
    expect([shown.headers.get("content-type"), await shown.text()]).toEqual(["image/png", bytes.toString()]);
  });

  test("of another length than announced is refused", async () => {
    const { upload_url: url = "" } = await clientOf(slack).files.getUploadURLExternal({ filename: "a.png", length: 5 });
    expect((await fetch(url, { method: "POST", body: bytes })).status).toBe(400);
  });

  test("goes into a channel with Slack's own helper", async () => {
    await clientOf(slack).filesUploadV2({
      file: bytes,
      filename: "chart.png",
      channel_id: slack.channels.product.id,
      initial_comment: "See",
    });
    expect(slack.messages("product").at(-1)).toMatchObject({ text: "See", files: [expect.any(String)] });
  });
});

describe("the sandbox", () => {
  test("knows no other method", async () => {
    expect(await errorOf(clientOf(slack).apiCall("chat.shout", {}))).toBe("unknown_method");
  });

  test("adds a reaction once", async () => {
    const client = clientOf(slack);
    const channel = slack.channels.general.id;
    const { ts = "" } = await client.chat.postMessage({ channel, text: "react" });
    await client.reactions.add({ channel, timestamp: ts, name: "eyes" });
    expect(await errorOf(client.reactions.add({ channel, timestamp: ts, name: "eyes" }))).toBe("already_reacted");
  });

  test("keeps a list of calls without any token", async () => {
    await fetch(`${slack.apiUrl}auth.test?token=${slack.botToken}`);
    expect(slack.calls().at(-1)).toMatchObject({ method: "auth.test", ok: true, error: null, httpStatus: 200, args: {} });
    expect(JSON.stringify(slack.calls())).not.toContain(slack.botToken);
  });
});
