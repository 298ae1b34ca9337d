import { expect, test } from "vitest";
import { answerOf } from "../../serving/answer.ts";

const rule = { positive: "late", threshold: 0.3 };

test("a binary model answers with its label from the threshold on", () => {
  const binary = { ...rule, label: { task: "binary" } as const };
  expect(answerOf(Float32Array.of(0.5), binary)).toEqual({ label: "late", probability: 0.5 });
  expect(answerOf(Float32Array.of(0.25), binary)).toEqual({ label: "not late", probability: 0.25 });
});

test("a multiclass model answers with the likeliest class and a probability a class", () => {
  expect(answerOf(Float32Array.of(0.25, 0.75), { ...rule, label: { task: "multiclass", classes: ["early", "late"] } })).toEqual({
    label: "late",
    probability: 0.75,
    probabilities: { early: 0.25, late: 0.75 },
  });
});

test("a regression answers with a value and neither label nor probability", () => {
  expect(answerOf(Float32Array.of(-12.5), { ...rule, label: { task: "regression" } })).toEqual({
    label: null,
    probability: null,
    value: -12.5,
  });
});

test("numbers that are no answer of the task are told as none", () => {
  expect(answerOf(Float32Array.of(1.5), { ...rule, label: { task: "binary" } })).toBeNull();
  expect(answerOf(Float32Array.of(Number.NaN), { ...rule, label: { task: "regression" } })).toBeNull();
  expect(answerOf(Float32Array.of(0.5, Number.NaN), { ...rule, label: { task: "multiclass", classes: ["a", "b"] } })).toBeNull();
});
