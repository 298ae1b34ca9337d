import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkBlocks, checkView } from "../../slack-sandbox/blocks/check.ts";
import type { Surface } from "../../slack-sandbox/blocks/blocks.ts";

const text = (words: string) => ({ type: "plain_text", text: words });
const marked = (words: string) => ({ type: "mrkdwn", text: words });
const button = (more: object = {}) => ({ type: "button", action_id: "go", text: text("Go"), ...more });
const actions = (...elements: object[]) => ({ type: "actions", elements });
const section = (words: string) => ({ type: "section", text: marked(words) });
const option = (value: string, more: object = {}) => ({ text: text(value), value, ...more });
const select = (more: object) => ({ type: "static_select", action_id: "s", ...more });
const input = (element: object, more: object = {}) => ({ type: "input", label: text("Label"), element, ...more });
const typed = (more: object = {}) => ({ type: "plain_text_input", action_id: "t", ...more });
const image = (more: object) => ({ type: "image", alt_text: "a chart", ...more });
const times = <Item>(count: number, item: (index: number) => Item) =>
  Array.from({ length: count }, (_none, index) => item(index));
const modal = (blocks: object[], more: object = {}) => ({ type: "modal", title: text("Title"), blocks, ...more });

describe("blocks that Slack takes", () => {
  test.each<[string, object[], Surface]>([
    [
      "a message of many kinds",
      [section("*hi*"), { type: "divider" }, { type: "header", text: text("H") }, actions(button())],
      "message",
    ],
    ["fifty of them", times(50, () => ({ type: "divider" })), "message"],
    ["a hundred in a home tab", times(100, () => ({ type: "divider" })), "home"],
    ["a text of 3,000 characters", [section("x".repeat(3_000))], "message"],
    ["25 buttons in a row", [actions(...times(25, (index) => button({ action_id: `b${index}` })))], "message"],
    ["a public image", [image({ image_url: "https://example.com/chart.png" })], "message"],
    ["a file of Slack's", [image({ slack_file: { id: "F07" } })], "message"],
    ["the same action id in two blocks", [actions(button()), actions(button())], "message"],
    [
      "a context of texts and images",
      [{ type: "context", elements: [marked("a"), image({ image_url: "https://example.com/i.png" })] }],
      "message",
    ],
    [
      "rich text",
      [
        {
          type: "rich_text",
          elements: [{ type: "rich_text_section", elements: [{ type: "text", text: "a", style: { bold: true } }] }],
        },
      ],
      "message",
    ],
    ["a table", [{ type: "table", rows: [[{ type: "raw_text", text: "a" }]] }], "message"],
  ])("are %s", (_what, blocks, surface) => {
    expect(checkBlocks(blocks, surface)).toEqual([]);
  });
});

describe("blocks that Slack refuses", () => {
  test.each<[string, object[], string]>([
    ["an unknown kind", [{ type: "banner" }], "unsupported type [json-pointer:/blocks/0/type]"],
    ["an unknown field", [{ ...section("a"), colour: "red" }], "invalid additional property: colour [json-pointer:/blocks/0]"],
    ["51 blocks", times(51, () => ({ type: "divider" })), "no more than 50 items allowed [json-pointer:/blocks]"],
    ["a long text", [section("x".repeat(3_001))], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"],
    ["an empty text", [section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"],
    ["a section of nothing", [{ type: "section" }], "must define either `text` or `fields` [json-pointer:/blocks/0]"],
    [
      "a header with markup",
      [{ type: "header", text: marked("*a*") }],
      "must be one of: plain_text [json-pointer:/blocks/0/text/type]",
    ],
    [
      "a long header",
      [{ type: "header", text: text("x".repeat(151)) }],
      "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ],
    [
      "eleven fields",
      [{ type: "section", fields: times(11, () => marked("a")) }],
      "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ],
    [
      "a long field",
      [{ type: "section", fields: [marked("x".repeat(2_001))] }],
      "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
    ],
    [
      "26 elements",
      [actions(...times(26, (index) => button({ action_id: `b${index}` })))],
      "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ],
    [
      "a long button",
      [actions(button({ text: text("x".repeat(76)) }))],
      "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
    ],
    [
      "a long value",
      [actions(button({ value: "x".repeat(2_001) }))],
      "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ],
    [
      "a long action id",
      [actions(button({ action_id: "x".repeat(256) }))],
      "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
    ],
    [
      "an address that is none",
      [actions(button({ url: "gates/1" }))],
      "must be a valid URL [json-pointer:/blocks/0/elements/0/url]",
    ],
    [
      "one action id twice in a block",
      [actions(button(), button())],
      '`action_id` "go" already exists [json-pointer:/blocks/0/elements]',
    ],
    [
      "one block id twice",
      [
        { type: "divider", block_id: "a" },
        { type: "divider", block_id: "a" },
      ],
      '`block_id` "a" already exists [json-pointer:/blocks/1/block_id]',
    ],
    [
      "a long option",
      [actions(select({ options: [option("a", { text: text("x".repeat(76)) })] }))],
      "must be less than 76 characters [json-pointer:/blocks/0/elements/0/options/0/text/text]",
    ],
    [
      "101 options",
      [actions(select({ options: times(101, (index) => option(`o${index}`)) }))],
      "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ],
    [
      "a menu without options",
      [actions(select({}))],
      "must define either `options` or `option_groups` [json-pointer:/blocks/0/elements/0]",
    ],
    [
      "a first choice that is none of the options",
      [actions(select({ options: [option("a")], initial_option: option("b") }))],
      "initial_option must be among the provided options [json-pointer:/blocks/0/elements/0/initial_option]",
    ],
    [
      "two options of one value",
      [actions(select({ options: [option("a"), option("a")] }))],
      "option values must be unique [json-pointer:/blocks/0/elements/0/options]",
    ],
    ["a text field among actions", [actions(typed())], "unsupported type [json-pointer:/blocks/0/elements/0/type]"],
    [
      "an image on this machine",
      [image({ image_url: "http://127.0.0.1:4400/chart.png" })],
      "downloading image failed [json-pointer:/blocks/0/image_url]",
    ],
    [
      "an image without a description",
      [{ type: "image", image_url: "https://example.com/a.png" }],
      "missing required field: alt_text [json-pointer:/blocks/0]",
    ],
    [
      "an image of two sources",
      [image({ image_url: "https://example.com/a.png", slack_file: { id: "F1" } })],
      "must define either `image_url` or `slack_file` [json-pointer:/blocks/0]",
    ],
    [
      "eleven in a context",
      [{ type: "context", elements: times(11, () => marked("a")) }],
      "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
    ],
    [
      "two tables",
      times(2, () => ({ type: "table", rows: [[{ type: "raw_text", text: "a" }]] })),
      "only one table is allowed [json-pointer:/blocks]",
    ],
  ])("are %s", (_what, blocks, fault) => {
    expect(checkBlocks(blocks, "message")).toEqual([fault]);
  });

  test("are those of a message in a modal", () => {
    expect(checkBlocks([{ type: "markdown", text: "a" }], "modal")).toEqual(["unsupported type [json-pointer:/blocks/0/type]"]);
    expect(checkBlocks([{ type: "markdown", text: "a" }], "message")).toEqual([]);
  });

  test("are no list at all", () => {
    expect(checkBlocks("[]", "message")).toEqual(["must provide an array [json-pointer:/blocks]"]);
  });

  test("are files that the workspace does not have", () => {
    const blocks = [image({ slack_file: { id: "F404" } })];
    expect(checkBlocks(blocks, "message", { hasFile: () => false })).toEqual([
      "invalid slack file [json-pointer:/blocks/0/slack_file]",
    ]);
  });
});

test("whatever is sent gets an answer, never an exception", () => {
  const kind = fc.constantFrom("section", "actions", "input", "image", "context", "table", "rich_text", "banner");
  const almost = fc.record({ type: kind, text: fc.jsonValue(), elements: fc.array(fc.jsonValue()), element: fc.jsonValue() });
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.array(almost)), (blocks) => {
      expect(checkBlocks(blocks, "message").every((fault) => fault.includes("[json-pointer:/blocks"))).toBe(true);
      expect(checkView({ type: "modal", blocks }).length).toBeGreaterThan(0);
    }),
  );
});

describe("a view", () => {
  test("is taken with all that a form may have", () => {
    const blocks = [
      input(typed({ multiline: true, min_length: 3, max_length: 3_000 }), { block_id: "a", hint: text("why"), optional: true }),
      input(select({ options: [option("a")] }), { block_id: "b" }),
      input(
        { type: "number_input", is_decimal_allowed: false, action_id: "n", min_value: "1", max_value: "50" },
        { block_id: "c" },
      ),
      input({ type: "datepicker", action_id: "d", initial_date: "2026-03-02" }, { block_id: "d" }),
      input({ type: "checkboxes", action_id: "c", options: [option("x")] }, { block_id: "e" }),
    ];
    expect(checkView(modal(blocks, { submit: text("Send"), private_metadata: "x".repeat(3_000), callback_id: "c" }))).toEqual([]);
  });

  test.each<[string, object, string]>([
    [
      "a long title",
      modal([], { title: text("x".repeat(25)) }),
      "must be less than 25 characters [json-pointer:/view/title/text]",
    ],
    [
      "a long submit",
      modal([], { submit: text("x".repeat(25)) }),
      "must be less than 25 characters [json-pointer:/view/submit/text]",
    ],
    [
      "much private metadata",
      modal([], { private_metadata: "x".repeat(3_001) }),
      "must be less than 3001 characters [json-pointer:/view/private_metadata]",
    ],
    [
      "fields and no submit",
      modal([input(typed())]),
      "`submit` is required when an input block is in the `blocks` array [json-pointer:/view/submit]",
    ],
    ["101 blocks", modal(times(101, () => ({ type: "divider" }))), "no more than 100 items allowed [json-pointer:/view/blocks]"],
    [
      "two places to begin",
      modal([input(typed({ focus_on_load: true })), input(typed({ focus_on_load: true }))], { submit: text("s") }),
      "only one element may have `focus_on_load` set [json-pointer:/view/blocks]",
    ],
    [
      "a title in a home tab",
      { type: "home", title: text("a"), blocks: [] },
      "invalid additional property: title [json-pointer:/view]",
    ],
    [
      "a bad block",
      modal([
        { type: "divider", block_id: "a" },
        { type: "divider", block_id: "a" },
      ]),
      '`block_id` "a" already exists [json-pointer:/view/blocks/1/block_id]',
    ],
    [
      "a number that is none",
      modal([input({ type: "number_input", is_decimal_allowed: true, initial_value: "ten" })], { submit: text("s") }),
      "must be a number as a string [json-pointer:/view/blocks/0/element/initial_value]",
    ],
  ])("is refused with %s", (_what, view, fault) => {
    expect(checkView(view)).toEqual([fault]);
  });
});
