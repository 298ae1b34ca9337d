import { fault } from "./definition-rule.ts";
import type { Rule } from "./definition-rule.ts";
import { isRecord, numberAt, recordAt, textAt, valueAt } from "./loose-value.ts";
import { didYouMean, listed } from "./suggestion.ts";

/** What the built-in trainer takes. */
const baselineParameters = ["l2", "maxCategories", "maxIterations"] as const;

const baselineAlone: Rule = (definition) => {
  if (trainerOf(definition) !== "baseline") return [];
  const named = Object.entries(recordAt(definition, ["train", "parameters"])).flatMap(([name, value]) => {
    const path = ["train", "parameters", name];
    if (!baselineParameters.some((known) => known === name))
      return [
        fault(
          path,
          `is not taken by the baseline trainer.${didYouMean(name, baselineParameters) || ` It takes ${listed(baselineParameters, "and")}.`}`,
          "key",
        ),
      ];
    return typeof value === "number" && value > 0 ? [] : [fault(path, "must be a number above 0")];
  });
  const others = ["monotone", "classWeights", "earlyStopping"].flatMap((field) =>
    valueAt(definition, ["train", field]) === undefined
      ? []
      : [fault(["train", field], "is not taken by the baseline; `trainer: lightgbm` takes it", "key")],
  );
  return [...named, ...others];
};

/** Which trainer takes which of the fields that belong to one alone, and whether it needs it. */
const ownFields: { field: string; trainer: string; needed: boolean }[] = [
  { field: "command", trainer: "command", needed: true },
  { field: "files", trainer: "command", needed: false },
  { field: "taskQueue", trainer: "task-queue", needed: true },
  { field: "model", trainer: "import", needed: true },
  { field: "origin", trainer: "import", needed: true },
  { field: "reference", trainer: "import", needed: false },
];

const fieldsOfOneTrainer: Rule = (definition) => {
  const trainer = trainerOf(definition);
  if (!isRecord(valueAt(definition, ["train"]))) return [];
  return ownFields.flatMap(({ field, trainer: owner, needed }) => {
    const there = valueAt(definition, ["train", field]) !== undefined;
    if (there && trainer !== owner)
      return [fault(["train", field], `belongs to \`trainer: ${owner}\`, and the trainer is \`${trainer}\``, "key")];
    return needed && !there && trainer === owner ? [fault(["train"], `needs \`${field}\` for \`trainer: ${owner}\``, "key")] : [];
  });
};

const nothingIsTrainedHere: Rule = (definition) =>
  trainerOf(definition) !== "import"
    ? []
    : ["parameters", "search", "earlyStopping", "validation", "monotone", "classWeights"].flatMap((field) =>
        valueAt(definition, ["train", field]) === undefined || isEmpty(valueAt(definition, ["train", field]))
          ? []
          : [fault(["train", field], "has no effect: `trainer: import` trains nothing", "key")],
      );

const searchFits: Rule = (definition) => {
  const path = ["train", "search"];
  if (!isRecord(valueAt(definition, path))) return [];
  const space = recordAt(definition, [...path, "space"]);
  const task = textAt(definition, ["label", "task"]) ?? "binary";
  const metric = textAt(definition, [...path, "metric"]);
  const ofNumbers = metric === "rmse" || metric === "mae";
  const wrongMetric =
    metric !== null && (ofNumbers !== (task === "regression") || (metric === "auc" && task !== "binary"))
      ? [fault([...path, "metric"], `\`${metric}\` does not measure a ${task} model`)]
      : [];
  const ranges = Object.entries(space).flatMap(([name, range]) => {
    const at = [...path, "space", name];
    if (!isRecord(range)) return [];
    const from = numberAt(range, ["from"]);
    const to = numberAt(range, ["to"]);
    if (from === null || to === null) return [];
    if (from >= to) return [fault(at, `must rise: from is ${from}, to is ${to}`)];
    return range["log"] === true && from <= 0
      ? [fault([...at, "from"], "must be above 0 to be drawn by orders of magnitude")]
      : [];
  });
  const empty = Object.keys(space).length === 0 ? [fault([...path, "space"], "must name at least one parameter", "key")] : [];
  return [...empty, ...wrongMetric, ...ranges];
};

/** `parameters: {}` says nothing, and stands in every definition that was filled in. */
function isEmpty(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

function trainerOf(definition: unknown): string {
  return textAt(definition, ["train", "trainer"]) ?? "baseline";
}

export const trainRules: Rule[] = [baselineAlone, fieldsOfOneTrainer, nothingIsTrainedHere, searchFits];
