import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slackDate } from "../../slack-sandbox/page/dates.ts";
import { mrkdwn, type Reader } from "../../slack-sandbox/page/mrkdwn.ts";
import { seedState } from "../../slack-sandbox/workspace/seed.ts";

const state = seedState();
const reader: Reader = {
  user: state.users[0]!,
  zone: "Europe/Berlin",
  now: Date.parse("2026-03-02T12:00:00Z"),
  findUser: (id) => state.users.find((user) => user.id === id),
  findChannel: (id) => state.channels.find((channel) => channel.id === id),
};
const html = async (text: string) => String(await mrkdwn(text, reader));

describe("Slack's markup", () => {
  test.each([
    ["*bold* and 2*3*4", "<strong>bold</strong> and 2*3*4"],
    ["_slanted_ but snake_case_name", "<em>slanted</em> but snake_case_name"],
    ["~gone~", "<s>gone</s>"],
    ["`*not bold*`", "<code>*not bold*</code>"],
    ["```a\n*b*```", "<pre>a\n*b*</pre>"],
    ["one\n&gt; two\nthree", "one<br><blockquote>two</blockquote>three"],
    ["&lt;@U1&gt; &amp;amp;", "&lt;@U1&gt; &amp;amp;"],
    ["a & b < c", "a &amp; b &lt; c"],
    [":white_check_mark: :no_such_thing:", "✅ :no_such_thing:"],
    ["<@U07PERSON01> in <#C07CHANNEL1>", '<span class="mention">@Ada</span> in <span class="mention">#ml-approvals</span>'],
    ["<!here>", '<span class="mention">@here</span>'],
    [
      "<https://example.com?a=1&amp;b=2|a *link*>",
      '<a href="https://example.com?a=1&amp;b=2" target="_blank" rel="noreferrer">a *link*</a>',
    ],
    ["<javascript:alert(1)|click>", "&lt;javascript:alert(1)|click&gt;"],
  ])("shows %j", async (text, markup) => {
    expect(await html(text)).toBe(markup);
  });

  test("makes no other elements than these of whatever somebody writes", async () => {
    const allowed = new Set(["strong", "em", "s", "code", "pre", "blockquote", "br", "a", "span", "time"]);
    const pieces = fc.constantFrom(
      "*",
      "_",
      "~",
      "`",
      "```",
      "<",
      ">",
      "|",
      "&lt;",
      "&gt;",
      "&amp;",
      "\n",
      '"',
      "'",
      "script",
      "@U1",
      "!date^1^{date}^x|",
      "https://x",
      "\uE000",
      "\uE0010",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 12 }), async (parts) => {
        const tags = [...(await html(parts.join(""))).matchAll(/<\/?([^\s>]*)/g)].map(([, name]) => name ?? "");
        expect(tags.filter((name) => !allowed.has(name))).toEqual([]);
      }),
    );
  });

  test.each([
    ["{date_num}", "2026-03-02"],
    ["{date}", "March 2, 2026"],
    ["{date_long}", "Monday, March 2, 2026"],
    ["{date_short_pretty} at {time}", "Today at 10:30"],
    ["{ago}", "2 hours ago"],
    ["by {time_secs} {unknown}", "By 10:30:00 {unknown}"],
  ])("shows the moment %s", (format, shown) => {
    const seconds = Date.parse("2026-03-02T09:30:00Z") / 1_000;
    expect(slackDate(format, { seconds, zone: reader.zone, now: reader.now })).toBe(shown);
  });
});
