import { fault } from "./definition-rule.ts";
import type { Rule } from "./definition-rule.ts";
import { higherIsBetter, metricsOf, type MetricName, metricNames, unbounded } from "./evidence.ts";
import { isRecord, numberAt, recordAt, textAt, textsAt, valueAt } from "./loose-value.ts";
import { didYouMean, listed } from "./suggestion.ts";
import { tasks } from "./task.ts";

/** How the section `evaluate` fits together, and to what the model predicts. */
const section = ["evaluate"] as const;

function taskOf(definition: unknown) {
  const task = textAt(definition, ["label", "task"]) ?? "binary";
  return tasks.find((one) => one === task) ?? "binary";
}

const thresholds: Rule = (definition) => {
  const task = taskOf(definition);
  const told = metricsOf[task];
  return metricNames.flatMap((metric) => {
    const path = [...section, "thresholds", metric];
    if (!isRecord(valueAt(definition, path))) return [];
    if (!told.includes(metric)) return [fault(path, `is not told of a ${task} model; ${listed(told, "and")} are`, "key")];
    const outside = (["pass", "fail"] as const).flatMap((end) => outOfRange(metric, [...path, end], definition));
    const pass = numberAt(definition, [...path, "pass"]);
    const fail = numberAt(definition, [...path, "fail"]);
    if (pass === null || fail === null || (higherIsBetter[metric] ? pass >= fail : pass <= fail)) return outside;
    const rule = higherIsBetter[metric]
      ? "higher is better, so `pass` must be at least `fail`"
      : "lower is better, so `pass` must be at most `fail`";
    return [...outside, fault(path, `is the wrong way round: ${rule} (${pass} and ${fail} stand there)`, "key")];
  });
};

function outOfRange(metric: MetricName, path: (string | number)[], definition: unknown) {
  const value = numberAt(definition, path);
  if (value === null) return [];
  if (metric === "r2") return value <= 1 ? [] : [fault(path, "must be at most 1")];
  if (metric !== "brier" && unbounded.includes(metric)) return value >= 0 ? [] : [fault(path, "must be at least 0")];
  // Over the classes of a multiclass model Brier's squares add up to 2.
  const highest = metric === "brier" && taskOf(definition) === "multiclass" ? 2 : 1;
  return value >= 0 && value <= highest ? [] : [fault(path, `must be between 0 and ${highest}`)];
}

const protectedAttributes: Rule = (definition) => {
  const names = textsAt(definition, [...section, "protected"]);
  const columns = Object.keys(recordAt(definition, ["features", "request"]));
  return names.flatMap((name, index) => {
    const path = [...section, "protected", index];
    if (name === "") return [];
    if (names.indexOf(name) !== index) return [fault(path, `names \`${name}\` a second time`)];
    if (columns.length === 0 || columns.includes(name)) return [];
    return [
      fault(
        path,
        `names \`${name}\`, which features.request does not declare: fairness is told of request columns.${didYouMean(name, columns)}`,
      ),
    ];
  });
};

const bands: Rule = (definition) =>
  Object.entries(recordAt(definition, [...section, "bands"])).flatMap(([name, edges]) => {
    const path = [...section, "bands", name];
    const attributes = textsAt(definition, [...section, "protected"]);
    if (!attributes.includes(name))
      return [fault(path, `is not among the protected attributes.${didYouMean(name, attributes)}`, "key")];
    const type = textAt(definition, ["features", "request", name]);
    if (type !== null && type !== "number" && type !== "integer")
      return [fault(path, `is ${type}; only numbers are cut into bands`, "key")];
    if (!Array.isArray(edges)) return [];
    const rising = edges.every((edge, index) => index === 0 || Number(edges[index - 1]) < Number(edge));
    return rising ? [] : [fault(path, "must rise from edge to edge", "key")];
  });

const slices: Rule = (definition) => {
  const columns = Object.keys(recordAt(definition, ["features", "request"]));
  const path = [...section, "slices"];
  const names = textsAt(definition, path);
  return names.flatMap((name, index) => {
    if (name === "" || columns.length === 0 || columns.includes(name)) return [];
    return [fault([...path, index], `names \`${name}\`, which features.request does not declare.${didYouMean(name, columns)}`)];
  });
};

const limits: Rule = (definition) =>
  Object.keys(recordAt(definition, [...section, "fairness"])).flatMap((measure) => {
    const path = [...section, "fairness", measure];
    const pass = numberAt(definition, [...path, "pass"]);
    const fail = numberAt(definition, [...path, "fail"]);
    if (pass === null || fail === null) return [];
    const ratio = measure === "selectionRateRatio";
    if (ratio ? pass >= fail : pass <= fail) return [];
    return [
      fault(
        path,
        ratio
          ? "is the wrong way round: a ratio nearer 1 is better, so `pass` must be at least `fail`"
          : "is the wrong way round: a smaller gap is better, so `pass` must be at most `fail`",
        "key",
      ),
    ];
  });

const costs: Rule = (definition) => {
  const path = [...section, "costs"];
  if (!isRecord(valueAt(definition, path))) return [];
  if (taskOf(definition) !== "binary") return [fault(path, "are those of a yes or no; this model is none", "key")];
  const both = [numberAt(definition, [...path, "falsePositive"]), numberAt(definition, [...path, "falseNegative"])];
  return both.every((cost) => cost === 0)
    ? [fault(path, "must not both be 0: then no decision would be better than another", "key")]
    : [];
};

export const evaluateRules: Rule[] = [thresholds, protectedAttributes, bands, slices, limits, costs];
