import type { Condition, ConditionFacts, ConditionResult } from "./conditions.ts";
import { higherIsBetter } from "./evidence.ts";
import type { MetricName } from "./evidence.ts";
import { listed } from "./suggestion.ts";
import { metricInSentence, metricInWords } from "./wording.ts";

/**
 * Whether a condition applies, and why, as a whole sentence that stands on record. Where a fact is not
 * known the answer is null, unless the other facts settle it whatever that one is (Kleene's logic of three
 * values): what was not measured yet must not speak against a gate.
 */
export function evaluateCondition(condition: Condition, facts: ConditionFacts): ConditionResult {
  if ("all" in condition) {
    const results = condition.all.map((one) => evaluateCondition(one, facts));
    return joined(results, { settles: false });
  }
  if ("any" in condition) {
    const results = condition.any.map((one) => evaluateCondition(one, facts));
    return joined(results, { settles: true });
  }
  if ("not" in condition) {
    const { applies, why } = evaluateCondition(condition.not, facts);
    return { applies: applies === null ? null : !applies, why };
  }
  if ("metricWorse" in condition) return metricWorse(condition.metricWorse, facts);
  if ("verdict" in condition) return verdict(condition.verdict.atLeast, facts);
  if ("protectedGroupAffected" in condition) return protectedGroup(facts);
  if ("triggeredBy" in condition) {
    const applies = condition.triggeredBy.includes(facts.trigger);
    return { applies, why: `The release was started by ${facts.trigger}.` };
  }
  return fact(condition, facts);
}

/** One result with the value that settles the whole is enough; failing that, one that is not known leaves it open. */
function joined(results: ConditionResult[], { settles }: { settles: boolean }): ConditionResult {
  for (const applies of [settles, null]) {
    const deciding = results.filter((one) => one.applies === applies);
    if (deciding.length > 0) return { applies, why: sentences(deciding) };
  }
  return { applies: !settles, why: sentences(results) };
}

function fact(
  condition:
    | Extract<
        Condition,
        Record<"firstRelease" | "governedFieldChanged" | "contractWarned" | "driftOpen" | "parametersChanged", true>
      >
    | Condition,
  facts: ConditionFacts,
): ConditionResult {
  if ("firstRelease" in condition)
    return facts.champion === null
      ? { applies: true, why: "The model has no champion yet: this is its first release." }
      : { applies: false, why: `The model has a champion, ${facts.champion}.` };
  if ("governedFieldChanged" in condition) return governed(facts);
  if ("contractWarned" in condition) return contract(facts);
  if ("driftOpen" in condition) {
    const { driftFindings: open } = facts;
    return open > 0
      ? { applies: true, why: `${open} finding${open === 1 ? "" : "s"} of drift ${open === 1 ? "is" : "are"} open.` }
      : { applies: false, why: "No finding of drift is open." };
  }
  return facts.hasParameters
    ? { applies: true, why: "The release has parameters of its own." }
    : { applies: false, why: "The release has no parameters of its own." };
}

function metricWorse({ metric, by }: { metric: MetricName; by: number }, facts: ConditionFacts): ConditionResult {
  const { metrics, champion } = facts;
  const name = metricInSentence(metric);
  const row = metrics.find((one) => one.metric === metric);
  // An evaluation leaves out what a task of this kind has no such number for: that is known.
  if (!row) return { applies: facts.verdict === null ? null : false, why: `${capital(name)} was not computed for this release.` };
  if (row.champion === null)
    return champion === null
      ? { applies: false, why: `There is no champion to compare ${name} with.` }
      : { applies: null, why: `${capital(name)} of the champion ${champion} was not computed.` };
  const loss = higherIsBetter[metric] ? row.champion - row.candidate : row.candidate - row.champion;
  // Two numbers written with four digits differ by rounding; a billionth of a metric is nobody's loss.
  const applies = loss > by + 1e-9;
  const numbers = `${capital(name)} is ${metricInWords(row.candidate)}, the champion's ${metricInWords(row.champion)}`;
  if (loss <= 1e-9) return { applies, why: `${numbers}: not worse.` };
  const bound = by === 0 ? "" : `, ${applies ? "more than" : "within"} the ${metricInWords(by)} allowed`;
  return { applies, why: `${numbers}: worse by ${metricInWords(loss)}${bound}.` };
}

function verdict(atLeast: "warn" | "fail", { verdict: found }: ConditionFacts): ConditionResult {
  if (found === null) return { applies: null, why: "The release was not evaluated." };
  const applies = found === "fail" || (found === "warn" && atLeast === "warn");
  const words = { pass: "passed", warn: "passed with reservations", fail: "failed" };
  return { applies, why: `The evaluation ${words[found]}.` };
}

function protectedGroup({ protectedGaps: gaps, verdict: evaluated }: ConditionFacts): ConditionResult {
  if (gaps === null && evaluated === null) return { applies: null, why: "The release was not evaluated." };
  if (gaps === null || gaps.length === 0) return { applies: false, why: "The definition names no protected attribute." };
  const affected = gaps.filter((one) => one.verdict !== "pass");
  if (affected.length === 0)
    return {
      applies: false,
      why: `The gaps between the groups of ${gaps.map((one) => one.attribute).join(", ")} are within their limits.`,
    };
  const words = affected.map(({ attribute, gap, limit, verdict: found, leftOut = [] }) => {
    if (found === "too-few" || gap === null) return `The gap between the groups of ${attribute} was not told: too few rows.`;
    const without = leftOut.length === 0 ? "" : ` without ${listed(leftOut.slice(0, 5), "and")}, too few to compare`;
    return `The gap between the groups of ${attribute} is ${metricInWords(gap)}, its limit ${metricInWords(limit)}${without}.`;
  });
  return { applies: true, why: words.join(" ") };
}

function governed({ governedChanged, champion }: ConditionFacts): ConditionResult {
  if (champion === null) return { applies: false, why: "There is no champion whose definition could differ." };
  return governedChanged.length > 0
    ? { applies: true, why: `Against the definition of ${champion} this changes ${listed(governedChanged, "and")}.` }
    : { applies: false, why: `No governed field differs from the definition of ${champion}.` };
}

function contract({ contractWarnings: warned }: ConditionFacts): ConditionResult {
  if (warned === null) return { applies: null, why: "The data was not validated." };
  return warned > 0
    ? { applies: true, why: `${warned} rule${warned === 1 ? "" : "s"} of the data contract warned.` }
    : { applies: false, why: "No rule of the data contract warned." };
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function sentences(results: ConditionResult[]): string {
  return [...new Set(results.map((one) => one.why))].join(" ");
}
