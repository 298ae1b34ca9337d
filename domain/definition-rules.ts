import { evaluateRules } from "./evaluate-rules.ts";
import { fault, sourcesPath } from "./definition-rule.ts";
import type { Rule } from "./definition-rule.ts";
import { featureRules } from "./feature-rules.ts";
import { sourceRules } from "./source-rules.ts";
import { isRecord, numberAt, recordAt, textAt, valueAt } from "./loose-value.ts";
import type { Finding } from "./schema-faults.ts";
import { didYouMean, listed } from "./suggestion.ts";
import { trainRules } from "./train-rules.ts";

/**
 * What a schema cannot say: how the parts of a definition fit together. The rules read the value
 * leniently, so that they are told together with the schema's faults; what has the wrong type
 * is the schema's affair and passes here.
 */
export function ruleFindings(definition: unknown): Finding[] {
  return rules.flatMap((rule) => rule(definition));
}

const rowsNameASource: Rule = (definition) => {
  const rows = textAt(definition, ["data", "rows"]);
  const sources = Object.keys(recordAt(definition, sourcesPath));
  if (sources.length === 0 && isRecord(valueAt(definition, sourcesPath)))
    return [fault(sourcesPath, "must name at least one source", "key")];
  if (rows === null || sources.length === 0 || sources.includes(rows)) return [];
  return [
    fault(
      ["data", "rows"],
      `names \`${rows}\`, which is not among the sources ${listed(sources, "and")}.${didYouMean(rows, sources)}`,
    ),
  ];
};

const timeForATimeSplit: Rule = (definition) => {
  const by = valueAt(definition, ["split", "by"]) ?? "time";
  const rows = textAt(definition, ["data", "rows"]);
  const source = rows === null ? undefined : valueAt(definition, [...sourcesPath, rows]);
  if (by !== "time" || rows === null || !isRecord(source) || source["time"] !== undefined) return [];
  return [
    fault(
      [...sourcesPath, rows],
      "has no `time`, which a split by time needs. Name the column, or write `split: {by: random}`",
      "key",
    ),
  ];
};

const driftLimits: Rule = (definition) => {
  const path = ["monitor", "drift"];
  if (!isRecord(valueAt(definition, path))) return [];
  const warn = numberAt(definition, [...path, "warn"]) ?? 0.1;
  const alert = numberAt(definition, [...path, "alert"]) ?? 0.25;
  return warn < alert ? [] : [fault(path, `must warn before it alerts: warn is ${warn}, alert is ${alert}`, "key")];
};

const rules: Rule[] = [
  rowsNameASource,
  ...sourceRules,
  timeForATimeSplit,
  ...featureRules,
  ...evaluateRules,
  driftLimits,
  ...trainRules,
];
