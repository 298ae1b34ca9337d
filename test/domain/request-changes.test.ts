import { expect, it } from "vitest";
import type { GateEvidence } from "../../domain/gate.ts";
import { requestChanges } from "../../domain/request-changes.ts";

const evidence: GateEvidence = {
  recommendation: { verdict: "pass", sentence: "Recommended: AUC 0.69 on 19,512 rows. Nothing gets worse." },
  evaluation: null,
  evaluationBody: null,
  stages: [
    { stage: "train", summary: "baseline trained in 1.6 s on 14 features: 4 KB of ONNX. Converged after 5 iterations." },
    { stage: "evaluate", summary: "AUC 0.69 on 19,512 held-out flights. No champion yet." },
  ],
  lineage: [],
  tier: "medium",
  tierReason: "",
  champion: null,
  rollbackTarget: null,
  trainingMs: 1600,
  trigger: "api",
  requestedBy: "ada",
  reason: "",
  parent: null,
  parentRequest: null,
  parameters: {},
  previousDecisions: [],
  details: [{ title: "Checks", text: "12 features were looked at.\nOne tells nearly all alone: seats." }],
};
const changed = (change: Partial<GateEvidence>) => requestChanges(evidence, { ...evidence, ...change });

it("says nothing where only a machine took another time", () => {
  const [train, ...rest] = evidence.stages;
  const stages = [{ stage: "train" as const, summary: train?.summary.replace("1.6 s", "940 ms") ?? "" }, ...rest];
  expect(changed({ stages })).toEqual([]);
});

it("names each parameter that is another one, with what it was", () => {
  const before = { ...evidence, parameters: { train: { l2: 1, rounds: 100 } } };
  expect(requestChanges(before, { ...evidence, parameters: { train: { l2: 5 }, seed: 3 } })).toEqual([
    "The parameter train.l2 was 1; it is 5.",
    "The parameter train.rounds was 100; it is not set.",
    "The parameter seed was not set; it is 3.",
  ]);
});

it("names another champion", () => {
  expect(changed({ champion: "flights.2" })).toEqual(["The champion was none; it is flights.2."]);
});

it("shows of a text only the sentences that are new", () => {
  const sentence = "Recommended: AUC 0.71 on 19,512 rows. Nothing gets worse.";
  expect(changed({ recommendation: { verdict: "pass", sentence } })).toEqual([
    "The recommendation was: Recommended: AUC 0.69 on 19,512 rows. It is: Recommended: AUC 0.71 on 19,512 rows.",
  ]);
  const text = "12 features were looked at.\nNone tells much alone.";
  expect(changed({ details: [{ title: "Checks", text }] })).toEqual(["Checks, now: None tells much alone."]);
});

it("shows all of a text of which sentences were only left out", () => {
  const details = [{ title: "Checks", text: "12 features were looked at." }];
  expect(changed({ details })).toEqual(["Checks, now: 12 features were looked at."]);
});
