import { evaluateRules } from "./evaluate-rules.ts";
import { fault, sourcesPath } from "./definition-rule.ts";
import type { Rule } from "./definition-rule.ts";
import { featureRules } from "./feature-rules.ts";
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

const windowsAndMonths: Rule = (definition) =>
  Object.entries(recordAt(definition, sourcesPath)).flatMap(([name, source]) => {
    const files = textAt(source, ["files"]);
    if (files === null) return [];
    const path = [...sourcesPath, name, "files"];
    const holds = [...files.matchAll(/\{([^}]*)\}/g)].map((match) => match[1] ?? "");
    const unknown = holds.filter((one) => one !== "month");
    const monthly = holds.includes("month") || unknown.some((one) => didYouMean(one, ["month"]) !== "");
    const windowed = valueAt(source, ["window"]) !== undefined;
    return [
      ...unknown.map((one) => fault(path, `holds \`{${one}}\`; only \`{month}\` has a meaning.${didYouMean(one, ["month"])}`)),
      ...(monthly && !windowed ? [fault(path, "holds `{month}` but the source has no `window` that says which months")] : []),
      ...(windowed && !monthly
        ? [fault([...sourcesPath, name, "window"], "has no effect: `files` holds no `{month}`", "key")]
        : []),
      ...(/\.(parquet|csv)$/i.test(files) ? [] : [fault(path, "must end in .parquet or .csv: these are read")]),
    ];
  });

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
  windowsAndMonths,
  timeForATimeSplit,
  ...featureRules,
  ...evaluateRules,
  driftLimits,
  ...trainRules,
];
