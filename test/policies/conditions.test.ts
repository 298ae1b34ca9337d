import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluateCondition } from "../../domain/condition-evaluation.ts";
import { callsForGate, type Condition, type ConditionFacts } from "../../domain/conditions.ts";

/** A second release that is a little better than the champion, with nothing remarkable about it. */
const facts: ConditionFacts = {
  metrics: [
    { metric: "auc", candidate: 0.75, champion: 0.74 },
    { metric: "logLoss", candidate: 0.5, champion: 0.48 },
    { metric: "brier", candidate: 0.2, champion: null },
  ],
  verdict: "pass",
  protectedGaps: [{ attribute: "sex", gap: 0.04, limit: 0.2, verdict: "pass" }],
  champion: "credit-risk.4",
  governedChanged: [],
  contractWarnings: 0,
  driftFindings: 0,
  trigger: "cli",
  hasParameters: false,
};
const first: Partial<ConditionFacts> = { champion: null, metrics: [{ metric: "auc", candidate: 0.75, champion: null }] };

/** Before the evaluation. */
const unmeasured: Partial<ConditionFacts> = { metrics: [], verdict: null, protectedGaps: null };

const cases: { condition: Condition; given?: Partial<ConditionFacts>; applies: boolean | null; why: string }[] = [
  { condition: { metricWorse: { metric: "auc", by: 0 } }, applies: false, why: "AUC is 0.750, the champion's 0.740: not worse." },
  {
    condition: { metricWorse: { metric: "logLoss", by: 0 } },
    applies: true,
    why: "Log loss is 0.500, the champion's 0.480: worse by 0.0200.",
  },
  {
    condition: { metricWorse: { metric: "logLoss", by: 0.02 } },
    applies: false,
    why: "Log loss is 0.500, the champion's 0.480: worse by 0.0200, within the 0.0200 allowed.",
  },
  {
    condition: { metricWorse: { metric: "logLoss", by: 0.01 } },
    applies: true,
    why: "Log loss is 0.500, the champion's 0.480: worse by 0.0200, more than the 0.0100 allowed.",
  },
  {
    condition: { metricWorse: { metric: "brier", by: 0 } },
    applies: null,
    why: "Brier score of the champion credit-risk.4 was not computed.",
  },
  {
    condition: { metricWorse: { metric: "rmse", by: 0 } },
    applies: false,
    why: "Root mean squared error was not computed for this release.",
  },
  {
    condition: { metricWorse: { metric: "rmse", by: 0 } },
    given: unmeasured,
    applies: null,
    why: "Root mean squared error was not computed for this release.",
  },
  {
    condition: { metricWorse: { metric: "auc", by: 0 } },
    given: first,
    applies: false,
    why: "There is no champion to compare AUC with.",
  },
  { condition: { verdict: { atLeast: "warn" } }, applies: false, why: "The evaluation passed." },
  {
    condition: { verdict: { atLeast: "warn" } },
    given: { verdict: "warn" },
    applies: true,
    why: "The evaluation passed with reservations.",
  },
  {
    condition: { verdict: { atLeast: "fail" } },
    given: { verdict: "warn" },
    applies: false,
    why: "The evaluation passed with reservations.",
  },
  { condition: { verdict: { atLeast: "warn" } }, given: { verdict: "fail" }, applies: true, why: "The evaluation failed." },
  {
    condition: { verdict: { atLeast: "warn" } },
    given: { verdict: null },
    applies: null,
    why: "The release was not evaluated.",
  },
  {
    condition: { protectedGroupAffected: true },
    applies: false,
    why: "The gaps between the groups of sex are within their limits.",
  },
  {
    condition: { protectedGroupAffected: true },
    given: { protectedGaps: [{ attribute: "sex", gap: 0.31, limit: 0.2, verdict: "warn" }] },
    applies: true,
    why: "The gap between the groups of sex is 0.310, its limit 0.200.",
  },
  {
    condition: { protectedGroupAffected: true },
    given: { protectedGaps: [{ attribute: "sex", gap: null, limit: 0.2, verdict: "too-few" }] },
    applies: true,
    why: "The gap between the groups of sex was not told: too few rows.",
  },
  {
    condition: { protectedGroupAffected: true },
    given: { protectedGaps: [] },
    applies: false,
    why: "The definition names no protected attribute.",
  },
  {
    condition: { protectedGroupAffected: true },
    given: { protectedGaps: null },
    applies: false,
    why: "The definition names no protected attribute.",
  },
  { condition: { protectedGroupAffected: true }, given: unmeasured, applies: null, why: "The release was not evaluated." },
  { condition: { firstRelease: true }, applies: false, why: "The model has a champion, credit-risk.4." },
  {
    condition: { firstRelease: true },
    given: first,
    applies: true,
    why: "The model has no champion yet: this is its first release.",
  },
  {
    condition: { governedFieldChanged: true },
    applies: false,
    why: "No governed field differs from the definition of credit-risk.4.",
  },
  {
    condition: { governedFieldChanged: true },
    given: { governedChanged: ["tier", "owner.team"] },
    applies: true,
    why: "Against the definition of credit-risk.4 this changes `tier` and `owner.team`.",
  },
  {
    condition: { governedFieldChanged: true },
    given: first,
    applies: false,
    why: "There is no champion whose definition could differ.",
  },
  { condition: { contractWarned: true }, applies: false, why: "No rule of the data contract warned." },
  {
    condition: { contractWarned: true },
    given: { contractWarnings: 1 },
    applies: true,
    why: "1 rule of the data contract warned.",
  },
  { condition: { contractWarned: true }, given: { contractWarnings: null }, applies: null, why: "The data was not validated." },
  { condition: { driftOpen: true }, applies: false, why: "No finding of drift is open." },
  { condition: { driftOpen: true }, given: { driftFindings: 2 }, applies: true, why: "2 findings of drift are open." },
  { condition: { triggeredBy: ["drift", "cli"] }, applies: true, why: "The release was started by cli." },
  { condition: { triggeredBy: ["schedule"] }, applies: false, why: "The release was started by cli." },
  { condition: { parametersChanged: true }, applies: false, why: "The release has no parameters of its own." },
  {
    condition: { parametersChanged: true },
    given: { hasParameters: true },
    applies: true,
    why: "The release has parameters of its own.",
  },
  {
    condition: { any: [{ firstRelease: true }, { driftOpen: true }] },
    applies: false,
    why: "The model has a champion, credit-risk.4. No finding of drift is open.",
  },
  {
    condition: { any: [{ firstRelease: true }, { triggeredBy: ["cli"] }] },
    applies: true,
    why: "The release was started by cli.",
  },
  { condition: { all: [{ triggeredBy: ["cli"] }, { driftOpen: true }] }, applies: false, why: "No finding of drift is open." },
  { condition: { not: { firstRelease: true } }, applies: true, why: "The model has a champion, credit-risk.4." },
  {
    condition: { not: { verdict: { atLeast: "warn" } } },
    given: unmeasured,
    applies: null,
    why: "The release was not evaluated.",
  },
  {
    condition: { any: [{ verdict: { atLeast: "warn" } }, { driftOpen: true }] },
    given: unmeasured,
    applies: null,
    why: "The release was not evaluated.",
  },
  {
    condition: { all: [{ verdict: { atLeast: "warn" } }, { driftOpen: true }] },
    given: unmeasured,
    applies: false,
    why: "No finding of drift is open.",
  },
];

describe("a condition says whether it applies, and why in a sentence", () => {
  it.each(cases.map((one) => [JSON.stringify(one.condition), one] as const))("%s", (_, { condition, given, applies, why }) => {
    expect(evaluateCondition(condition, { ...facts, ...given })).toEqual({ applies, why });
  });

  it("whatever is joined with whatever, by the rules of logic, and never without a sentence", () => {
    const leaf = fc.constantFrom<Condition>(
      { firstRelease: true },
      { driftOpen: true },
      { triggeredBy: ["cli"] },
      { metricWorse: { metric: "logLoss", by: 0.01 } },
      { verdict: { atLeast: "warn" } },
      { contractWarned: true },
    );
    const { tree } = fc.letrec<{ tree: Condition }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("tree"), { minLength: 1, maxLength: 4 }).map((all) => ({ all })),
        fc.array(tie("tree"), { minLength: 1, maxLength: 4 }).map((any) => ({ any })),
        tie("tree").map((not) => ({ not })),
      ),
    }));
    const applies = (condition: Condition) => evaluateCondition(condition, facts).applies === true;
    fc.assert(
      fc.property(tree, tree, (one, other) => {
        expect(evaluateCondition(one, facts).why).toMatch(/^[A-Z0-9].*\.$/);
        expect(applies({ all: [one, other] })).toBe(applies(one) && applies(other));
        expect(applies({ any: [one, other] })).toBe(applies(one) || applies(other));
        expect(applies({ not: { any: [one, other] } })).toBe(applies({ all: [{ not: one }, { not: other }] }));
      }),
      { numRuns: 200 },
    );
    // What is said before the data was validated holds whatever the validation finds.
    fc.assert(
      fc.property(tree, fc.integer({ min: 0, max: 3 }), (condition, contractWarnings) => {
        const before = evaluateCondition(condition, { ...facts, contractWarnings: null });
        if (before.applies === null) expect(callsForGate(before)).toBe(true);
        else expect(evaluateCondition(condition, { ...facts, contractWarnings }).applies).toBe(before.applies);
      }),
      { numRuns: 300 },
    );
  });
});
