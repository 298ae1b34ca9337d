import { describe, expect, test } from "vitest";
import { completeInputs, formFaults, type DecisionForm } from "../../domain/decision-form.ts";
import { timelineOf } from "../../domain/gate-timeline.ts";
import { beyondBounds } from "../../domain/parameter-bounds.ts";
import type { GateInput, GateRule } from "../../domain/policy.ts";

const at = "2026-01-01T00:00:00.000Z";
const hourMs = 3_600_000;
const rule: GateRule = {
  name: "promotion",
  ask: "May it?",
  groups: ["model-risk"],
  quorum: 1,
  deadlineMs: 10 * hourMs,
  onDeadline: "hold",
};

describe("the timeline of a request", () => {
  test("reminds at a half and four fifths, escalates, comes to its deadline and to its age, in order", () => {
    const due = timelineOf({ ...rule, escalation: [{ groups: ["platform"], afterMs: 9 * hourMs }], maxAgeMs: 20 * hourMs }, at);
    expect(due).toEqual([
      { kind: "remind", at: "2026-01-01T05:00:00.000Z", step: 1 },
      { kind: "remind", at: "2026-01-01T08:00:00.000Z", step: 2 },
      { kind: "escalate", at: "2026-01-01T09:00:00.000Z", step: 1 },
      { kind: "deadline", at: "2026-01-01T10:00:00.000Z", step: 1 },
      { kind: "max-age", at: "2026-01-01T20:00:00.000Z", step: 1 },
    ]);
  });
});

describe("the form of a decision", () => {
  const inputs: GateInput[] = [
    { name: "share", title: "Share of the canary", type: "number", min: 0.01, max: 0.5, default: 0.1 },
    { name: "soakMinutes", title: "Minutes of soaking", type: "integer", min: 1, max: 60, required: true },
    { name: "region", title: "Region", type: "choice", options: ["north", "south"] },
    { name: "note", title: "Note", type: "text", maxLength: 5 },
    { name: "quiet", title: "Without a message", type: "boolean" },
  ];
  const form = (change: Partial<DecisionForm>): DecisionForm => ({
    decision: "approve",
    reason: null,
    returnTo: null,
    parameters: {},
    inputs: { soakMinutes: 5 },
    ...change,
  });
  const paths = (change: Partial<DecisionForm>, conditional: { maxMs: number } | null = { maxMs: hourMs }) =>
    formFaults(form(change), { inputs, conditional }, at).map((fault) => fault.path);

  test("is right when it keeps to what the request takes", () => {
    expect(paths({ inputs: { share: 0.5, soakMinutes: 60, region: "north", note: "12345", quiet: true } })).toEqual([]);
    expect(paths({ conditions: [{ finding: "close the gap", by: "2026-01-01T00:30:00.000Z" }] })).toEqual([]);
  });

  test.each([
    ["a number out of bounds", { share: 0.51, soakMinutes: 5 }, "inputs.share"],
    ["a number that is none", { share: Number.NaN, soakMinutes: 5 }, "inputs.share"],
    ["half a minute where whole ones are asked for", { soakMinutes: 1.5 }, "inputs.soakMinutes"],
    ["a missing input that is needed", {}, "inputs.soakMinutes"],
    ["an unknown choice", { soakMinutes: 5, region: "east" }, "inputs.region"],
    ["a text that is too long", { soakMinutes: 5, note: "123456" }, "inputs.note"],
    ["a word for a yes", { soakMinutes: 5, quiet: "yes" }, "inputs.quiet"],
    ["an input that nobody asked for", { soakMinutes: 5, colour: "red" }, "inputs.colour"],
  ])("names %s", (_, given, path) => {
    expect(paths({ inputs: given })).toEqual([path]);
  });

  test("names inputs and conditions that go with an approval only", () => {
    expect(paths({ decision: "reject", reason: "no", inputs: { share: 0.1 } })).toEqual(["inputs"]);
    const conditions = [{ finding: "close the gap", by: "2026-01-01T00:30:00.000Z" }];
    expect(paths({ decision: "reject", reason: "no", inputs: {}, conditions })).toEqual(["conditions"]);
  });

  test("names conditions that are past, too far away, or that the policy does not take", () => {
    const condition = (by: string) => ({ conditions: [{ finding: "close the gap", by }] });
    expect(paths(condition("2025-12-31T00:00:00.000Z"))).toEqual(["conditions.0.by"]);
    expect(paths(condition("2026-01-01T02:00:00.000Z"))).toEqual(["conditions.0.by"]);
    expect(paths(condition("2026-01-01T00:30:00.000Z"), null)).toEqual(["conditions"]);
  });

  test("is completed by the defaults of what was left out", () => {
    expect(completeInputs(inputs, { soakMinutes: 5 })).toEqual({ share: 0.1, soakMinutes: 5 });
  });
});

test("a reviewer may ask for parameters within the policy's bounds; what goes beyond is named, limits never", () => {
  const bounds = { seed: { min: 0, max: 10 }, "train.l2": { oneOf: [0.1, 1] } };
  expect(beyondBounds({ seed: 3, train: { l2: 1 }, limits: { memoryMb: 9999 } }, bounds)).toEqual([]);
  expect(beyondBounds({ seed: 11, months: 3, train: { l2: 2, leaves: 5 } }, bounds)).toEqual([
    "seed",
    "months",
    "train.l2",
    "train.leaves",
  ]);
  expect(beyondBounds({ seed: 1 })).toEqual(["seed"]);
});
