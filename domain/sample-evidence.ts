import type { ConditionFacts } from "./conditions.ts";

/** A second release, a little better than the champion, with nothing remarkable about it. */
const ordinary: ConditionFacts = {
  metrics: [
    { metric: "auc", candidate: 0.76, champion: 0.75 },
    { metric: "logLoss", candidate: 0.49, champion: 0.5 },
    { metric: "brier", candidate: 0.16, champion: 0.165 },
  ],
  verdict: "pass",
  protectedGaps: [{ attribute: "sex", gap: 0.04, limit: 0.2, verdict: "pass" }],
  champion: "sample.1",
  governedChanged: [],
  contractWarnings: 0,
  driftFindings: 0,
  trigger: "cli",
  hasParameters: false,
};

/** Evidence that nobody recorded, to try a policy on: what is ordinary, and one thing at a time that is not. */
export const sampleEvidence = {
  ordinary,
  "first-release": {
    ...ordinary,
    champion: null,
    metrics: ordinary.metrics.map((one) => ({ ...one, champion: null })),
  },
  warned: { ...ordinary, verdict: "warn" },
  failed: { ...ordinary, verdict: "fail" },
  worse: {
    ...ordinary,
    verdict: "warn",
    metrics: ordinary.metrics.map((one) => ({ ...one, candidate: one.champion ?? 0, champion: one.candidate })),
  },
  unfair: { ...ordinary, protectedGaps: [{ attribute: "sex", gap: 0.31, limit: 0.2, verdict: "fail" }] },
  "contract-warned": { ...ordinary, contractWarnings: 2 },
  drift: { ...ordinary, driftFindings: 1, trigger: "drift" },
  loosened: { ...ordinary, governedChanged: ["evaluate.thresholds.auc.pass"] },
  "own-parameters": { ...ordinary, hasParameters: true },
} as const satisfies Record<string, ConditionFacts>;

export type SampleName = keyof typeof sampleEvidence;
export const sampleNames = Object.keys(sampleEvidence) as [SampleName, ...SampleName[]];
