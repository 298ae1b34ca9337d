import { describe, expect, test } from "vitest";
import fc from "fast-check";
import type { GateItemView } from "../../domain/http/gate-views.ts";
import type { ModelItemView } from "../../domain/http/model-views.ts";
import type { ReleaseItemView } from "../../domain/http/release-views.ts";
import type { GateInput } from "../../domain/policy.ts";
import { checkBlocks, checkView } from "../../slack-sandbox/blocks/check.ts";
import { decisionForm, modelForm, readFacts, sentenceView, unblockForm } from "../../slack/blocks/forms.ts";
import { askLines, gateMessage } from "../../slack/blocks/gate-message.ts";
import { homeView, strangerHome } from "../../slack/blocks/home.ts";
import { messageOf } from "../../slack/blocks/notice-messages.ts";
import { clip, limits, plain, preformatted } from "../../slack/blocks/text.ts";
import { conditionsIn, errorsAtFields, filledIn, inputsIn, parametersIn } from "../../slack/form-values.ts";
import { approvedNotice, blockedNotice, everyNotice, gateNotice } from "./notices.ts";

const inputs: GateInput[] = [
  { name: "share", title: "Share of the canary", type: "number", min: 0.01, max: 0.5, default: 0.1, required: true },
  { name: "soak", title: "Minutes", type: "integer", min: 1, max: 600 },
  { name: "mode", title: "How", type: "choice", options: ["slow", "fast"], default: "slow" },
  { name: "note", title: "Note", type: "text", maxLength: 5_000 },
  { name: "told", title: "Customers were told", type: "boolean", default: false },
];
const form = {
  gate: gateNotice.gate,
  digest: gateNotice.digest,
  ask: gateNotice.ask,
  subject: gateNotice.subject,
  conditionsUntil: null,
  seen: null,
  key: "T1:U1:17.1:g",
};

describe("messages", () => {
  test.each(Object.entries(everyNotice))("%s is as it was", (_name, notice) => {
    const message = messageOf(notice);
    expect(checkBlocks(message.blocks, "message")).toEqual([]);
    expect(message).toMatchSnapshot();
  });

  test("a gate has five lines at most before its buttons, and its picture after them", () => {
    expect(askLines(gateNotice)).toHaveLength(5);
    const { blocks } = gateMessage(gateNotice, { fileId: "F0123456789", alt: "AUC old and new" });
    expect(blocks.map((block) => block.type)).toEqual(["section", "image", "actions", "context"]);
    expect(checkBlocks(blocks, "message")).toEqual([]);
  });

  test("a decided gate has no buttons, and says who, when and how", () => {
    const { text, blocks } = gateMessage(approvedNotice);
    expect(blocks.some((block) => block.type === "actions")).toBe(false);
    expect(text).toBe("Approved by grace (slack): flight-delays.3");
    expect(JSON.stringify(blocks)).toMatch(/Approved by grace \(slack\)\*, <!date\^1795345200\^/);
  });

  test("any text of people stays within Slack's limits and means nothing", () => {
    const nasty = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 5_000 }),
      fc.constantFrom(
        "<!channel> <@U12345> <https://evil.example|here> *bold* _it_ `code` ~no~ :tada: & < >",
        "👩‍👩‍👧‍👦".repeat(800),
        "&".repeat(4_000),
        "x".repeat(10_000),
      ),
    );
    fc.assert(
      fc.property(nasty, nasty, (one, other) => {
        const gate = {
          ...gateNotice,
          ask: one,
          why: other,
          worse: [one, other],
          missing: [one],
          deciders: other,
          subject: one || "s",
        };
        const blocked = { ...blockedNotice, message: one, cure: other, logTail: one };
        for (const notice of [gate, { ...gate, overdue: true }, blocked, { ...blocked, since: other }]) {
          const { text, blocks } = messageOf(notice);
          expect(checkBlocks(blocks, "message")).toEqual([]);
          expect(text.length).toBeLessThanOrEqual(400);
          const markup = JSON.stringify(blocks).match(/<[^|>]*/g) ?? [];
          expect(markup.every((begin) => begin.startsWith("<!date^") || begin.startsWith("<https://"))).toBe(true);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("three hundred metrics that get worse are two and a number", () => {
    const worse = Array.from({ length: 300 }, (_, index) => `metric ${index} −0.010`);
    expect(askLines({ ...gateNotice, worse })[3]).toBe("Gets worse: metric 0 −0.010, metric 1 −0.010, and 298 more");
  });

  test("where nothing was measured it does not say that nothing gets worse", () => {
    const recommendation = { verdict: "pass" as const, sentence: "Nothing was examined." };
    const lines = askLines({ ...gateNotice, headline: null, worse: [], recommendation });
    expect(lines).toContain("Nothing was examined.");
  });
});

describe("text", () => {
  test("markup of people becomes letters, names stay as they are", () => {
    expect(plain("a <@U1> & *b* snake_case _c_ :tada:")).toBe(
      "a &lt;@U1&gt; &amp; \u2060*b\u2060* snake_case \u2060_c\u2060_ :\u2060tada:",
    );
    expect(plain("10:30 one\n two")).toBe("10:30 one two");
  });

  test("no character and no entity is cut in half", () => {
    expect(clip("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 12)).toBe("👩‍👩‍👧‍👦…");
    expect(plain("&&&", 11)).toBe("&amp;&amp;…");
    expect(preformatted("```<a>", 100)).toBe("```ˋˋˋ&lt;a&gt;```");
  });
});

describe("forms", () => {
  test.each(["reject", "request-changes", "escalate"] as const)("%s asks for a reason", (decision) => {
    const view = decisionForm({ ...form, decision, inputs });
    expect(checkView(view)).toEqual([]);
    expect(view).toMatchSnapshot();
    expect(readFacts(view.private_metadata ?? "")).toMatchObject({ form: "decide", decision, key: form.key });
  });

  test("an approval asks for what the policy names, within its bounds", () => {
    const view = decisionForm({ ...form, decision: "approve", inputs });
    expect(checkView(view)).toEqual([]);
    expect(view).toMatchSnapshot();
    const filled = { "input.share": "0.2", "input.soak": "30", "input.mode": "fast", "input.note": null, "input.told": "yes" };
    expect(inputsIn(filled, inputs)).toEqual({ share: 0.2, soak: 30, mode: "fast", told: true });
  });

  test("an approval on condition asks for what is to be closed and by when; rows that are left out do not shift the errors", () => {
    const view = decisionForm({ ...form, decision: "approve", inputs: [], conditionsUntil: "2026-12-22T10:00:00.000Z" });
    expect(checkView(view)).toEqual([]);
    expect(view).toMatchSnapshot();
    const filled = filledIn({
      "conditions.0.finding": { value: { value: "the drift of distance is explained" } },
      "conditions.0.by": { value: { selected_date: "2026-12-01" } },
      "conditions.1.finding": { value: { value: null } },
      "conditions.1.by": { value: { selected_date: null } },
      "conditions.2.finding": { value: { value: "flight-delays-7" } },
      "conditions.2.by": { value: { selected_date: "2027-12-01" } },
    });
    const { conditions, rows } = conditionsIn(filled);
    expect(conditions.map((one) => one.by)).toEqual(["2026-12-01T23:59:59.999Z", "2027-12-01T23:59:59.999Z"]);
    const faults = [{ path: "conditions.1.by", message: "is too late" }];
    expect(errorsAtFields(faults, Object.keys(filled), rows)).toEqual({ "conditions.2.by": "is too late" });
  });

  test("bounds are written as Slack reads numbers", () => {
    const tiny: GateInput = { name: "rate", title: "Rate", type: "number", min: 1e-7, max: 0.5 };
    const view = decisionForm({ ...form, decision: "approve", inputs: [tiny] });
    expect(checkView(view)).toEqual([]);
    expect(JSON.stringify(view)).toContain('"min_value":"0.0000001"');
  });

  test("forms of releases, models and sentences are what Slack takes", () => {
    const key = "T1:U1:17.1:r";
    expect(
      checkView(unblockForm({ release: "m.1", action: "retry", withChanges: true, message: "x".repeat(9_000), key })),
    ).toEqual([]);
    expect(checkView(unblockForm({ release: "m.1", action: "abandon", withChanges: false, message: "<!here>", key }))).toEqual(
      [],
    );
    expect(checkView(modelForm({ form: "rollback", model: "m", text: "*m*", key }))).toEqual([]);
    expect(checkView(sentenceView("A title that is longer than Slack takes", "A sentence."))).toEqual([]);
  });

  test("parameters are read a line each, and a line that is none is told", () => {
    expect(parametersIn("seed = 7\ntrain.l2 = 3, limits.memoryMb=4000")).toEqual({
      parameters: { seed: 7, train: { l2: 3 }, limits: { memoryMb: 4000 } },
      fault: null,
    });
    expect(parametersIn("more memory please").fault).toContain("more memory please");
  });

  test("faults are told at their fields, or not at all as such", () => {
    const blocks = ["reason", "input.share", "parameters"];
    const faults = [
      { path: "reason", message: "say why" },
      { path: "inputs.share", message: "at most 0.5" },
      { path: "parameters.train.l2", message: "must be a number" },
    ];
    expect(errorsAtFields(faults, blocks)).toEqual({
      reason: "say why",
      "input.share": "share: at most 0.5",
      parameters: "train.l2: must be a number",
    });
    expect(errorsAtFields([{ path: "digest", message: "no" }], blocks)).toBeNull();
  });
});

describe("the home tab", () => {
  const time = "2026-11-22T10:00:00.000Z";
  const console = "https://countersign.example";
  // The rows have what the tab shows; the rest of the views is not looked at.
  const gate = {
    id: gateNotice.gate,
    subject: { id: "flight-delays.3" },
    request: { ask: "May <it>?", digest: gateNotice.digest, deadline: time },
    recommendation: { verdict: "pass", sentence: "Recommended" },
    links: { console },
  } as unknown as GateItemView;
  const release = {
    id: "flight-delays.4",
    state: "blocked",
    stage: "train",
    waitsFor: null,
    blocked: { message: "out of memory" },
    links: { console },
  } as unknown as ReleaseItemView;
  const model = {
    model: "flight-delays",
    title: "Flights & <delays>",
    slots: [{ environment: "production", champion: { version: "flight-delays.3", since: time } }],
    findings: [{}],
    links: { console },
  } as unknown as ModelItemView;
  const only = <Row>(...items: Row[]) => ({ items, next: null });
  const many = <Row>(row: Row) => ({ items: Array.from({ length: 300 }, () => row), next: "more" });

  test("shows what waits, what runs and the models", () => {
    const view = homeView({ name: "Grace", console, waiting: only(gate), running: only(release), models: only(model) });
    expect(checkView(view)).toEqual([]);
    expect(view).toMatchSnapshot();
  });

  test("with hundreds of each it stays within Slack's hundred blocks", () => {
    const items = many(gate).items.map((one, index) => ({ ...one, id: `flight-delays.${index + 1}.promotion.1` }));
    const waiting = { items, next: "more" };
    const view = homeView({ name: "Grace", console, waiting, running: many(release), models: many(model) });
    expect(checkView(view)).toEqual([]);
    expect(view.blocks.length).toBeLessThanOrEqual(limits.homeBlocks);
    expect(JSON.stringify(view)).toContain("and 288+ more");
    expect(checkView(strangerHome("Nobody knows you."))).toEqual([]);
  });
});
