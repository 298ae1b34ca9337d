import { higherIsBetter, metricNames } from "./evidence.ts";
import { fault, sourcesPath } from "./definition-rule.ts";
import type { Rule } from "./definition-rule.ts";
import { featureRules } from "./feature-rules.ts";
import { isRecord, numberAt, recordAt, textAt, textsAt, valueAt } from "./loose-value.ts";
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

const thresholds: Rule = (definition) =>
  metricNames.flatMap((metric) => {
    const path = ["evaluate", "thresholds", metric];
    const pass = numberAt(definition, [...path, "pass"]);
    const fail = numberAt(definition, [...path, "fail"]);
    // Log loss has no upper end; the others are shares or distances of shares.
    const outside = (["pass", "fail"] as const).flatMap((end) => {
      const value = numberAt(definition, [...path, end]);
      const fits = value === null || (value >= 0 && (metric === "logLoss" || value <= 1));
      return fits ? [] : [fault([...path, end], metric === "logLoss" ? "must be at least 0" : "must be between 0 and 1")];
    });
    if (pass === null || fail === null || (higherIsBetter[metric] ? pass >= fail : pass <= fail)) return outside;
    const rule = higherIsBetter[metric]
      ? "higher is better, so `pass` must be at least `fail`"
      : "lower is better, so `pass` must be at most `fail`";
    return [...outside, fault(path, `is the wrong way round: ${rule} (${pass} and ${fail} stand there)`, "key")];
  });

const protectedOnce: Rule = (definition) => {
  const names = textsAt(definition, ["evaluate", "protected"]);
  return names.flatMap((name, index) =>
    name !== "" && names.indexOf(name) !== index
      ? [fault(["evaluate", "protected", index], `names \`${name}\` a second time`)]
      : [],
  );
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
  thresholds,
  protectedOnce,
  driftLimits,
  ...trainRules,
];
