import { fault } from "./definition-rule.ts";
import type { Path } from "./definition-text.ts";
import { isRecord, numberAt, recordAt, textAt, textsAt, valueAt } from "./loose-value.ts";
import { inputTypes } from "./policy-schema.ts";
import type { Finding } from "./schema-faults.ts";
import { didYouMean, listed } from "./suggestion.ts";

/** Inputs and parameters in a gate: each has the bounds of its kind, and no others. */
const boundsOf: Record<(typeof inputTypes)[number], { needs: string[]; takes: string[]; preset: string }> = {
  number: { needs: ["min", "max"], takes: [], preset: "number" },
  integer: { needs: ["min", "max"], takes: [], preset: "number" },
  choice: { needs: ["options"], takes: [], preset: "string" },
  text: { needs: ["maxLength"], takes: [], preset: "string" },
  boolean: { needs: [], takes: [], preset: "boolean" },
};
const allBounds = ["min", "max", "options", "maxLength"];

export function inputFindings(rule: Record<string, unknown>, path: Path): Finding[] {
  const inputs = valueAt(rule, ["inputs"]);
  if (!Array.isArray(inputs)) return [];
  const names = inputs.map((input) => textAt(input, ["name"]));
  return inputs.flatMap((input, index) => {
    const at = [...path, "inputs", index];
    const name = names[index] ?? null;
    const twice = name !== null && names.indexOf(name) !== index ? [fault([...at, "name"], `is \`${name}\` a second time`)] : [];
    return isRecord(input) ? [...twice, ...oneInput(input, at)] : twice;
  });
}

function oneInput(input: Record<string, unknown>, path: Path): Finding[] {
  const type = inputTypes.find((one) => one === input["type"]);
  if (type === undefined) return [];
  const { needs, preset } = boundsOf[type];
  const missing = needs.filter((bound) => input[bound] === undefined);
  if (missing.length > 0) return [fault(path, `has no bounds: a ${type} needs ${listed(missing, "and")}`, "key")];
  const strange = allBounds.filter((bound) => input[bound] !== undefined && !needs.includes(bound));
  const found = strange.map((bound) => fault([...path, bound], `means nothing for a ${type}`, "key"));
  return [...found, ...rangeFindings(input, path), ...choiceFindings(input, path), ...presetFindings(input, path, preset)];
}

function rangeFindings(input: Record<string, unknown>, path: Path): Finding[] {
  const min = numberAt(input, ["min"]);
  const max = numberAt(input, ["max"]);
  const found: Finding[] = [];
  if (min !== null && max !== null && min >= max) found.push(fault([...path, "max"], `must be more than \`min\` (${min})`));
  if (input["type"] === "integer")
    for (const bound of ["min", "max"]) {
      const value = numberAt(input, [bound]);
      if (value !== null && !Number.isInteger(value))
        found.push(fault([...path, bound], "must be a whole number, as the input is"));
    }
  return found;
}

function choiceFindings(input: Record<string, unknown>, path: Path): Finding[] {
  if (input["type"] !== "choice") return [];
  const options = textsAt(input, ["options"]);
  if (options.length < 2) return [fault([...path, "options"], "leaves nothing to choose: name two at least")];
  return options.flatMap((option, index) =>
    option !== "" && options.indexOf(option) !== index
      ? [fault([...path, "options", index], `names \`${option}\` a second time`)]
      : [],
  );
}

function presetFindings(input: Record<string, unknown>, path: Path, kind: string): Finding[] {
  const preset = input["default"];
  if (preset === undefined) return [];
  const at = [...path, "default"];
  if (typeof preset !== kind) return [fault(at, `must be of the input's own type (${kind})`)];
  const min = numberAt(input, ["min"]);
  const max = numberAt(input, ["max"]);
  if (typeof preset === "number" && min !== null && max !== null && (preset < min || preset > max))
    return [fault(at, `lies outside its own bounds, ${min} to ${max}`)];
  if (input["type"] === "integer" && !Number.isInteger(preset)) return [fault(at, "must be a whole number, as the input is")];
  const options = textsAt(input, ["options"]);
  if (input["type"] === "choice" && typeof preset === "string" && !options.includes(preset))
    return [fault(at, `is none of the options.${didYouMean(preset, options)}`)];
  const longest = numberAt(input, ["maxLength"]);
  if (typeof preset === "string" && longest !== null && preset.length > longest)
    return [fault(at, `is longer than ${longest} characters`)];
  return [];
}

/** What one release may change against its definition, as a reviewer asks for it. */
const plainParameters = ["seed", "months", "until", "limits.minutes", "limits.memoryMb", "limits.outputMb"];

export function parameterFindings(rule: Record<string, unknown>, path: Path): Finding[] {
  return Object.entries(recordAt(rule, ["changes"])).flatMap(([name, bounds]) => {
    const at = [...path, "changes", name];
    const found: Finding[] = [];
    if (!plainParameters.includes(name) && !/^train\.[\w.-]{1,60}$/.test(name))
      found.push(
        fault(
          at,
          `is no parameter of a release. Known are ${listed([...plainParameters, "train.<name>"], "and")}.${didYouMean(name, plainParameters)}`,
          "key",
        ),
      );
    if (!isRecord(bounds)) return found;
    const ranged = bounds["min"] !== undefined || bounds["max"] !== undefined;
    if (ranged && bounds["oneOf"] !== undefined)
      found.push(fault(at, "has both a range and a list; one of them bounds it", "key"));
    else if (!ranged && bounds["oneOf"] === undefined)
      found.push(fault(at, "has no bounds: `{ min, max }` or `{ oneOf: […] }`", "key"));
    else if (ranged && (bounds["min"] === undefined || bounds["max"] === undefined))
      found.push(fault(at, `has no ${bounds["min"] === undefined ? "`min`" : "`max`"}: a range has both ends`, "key"));
    const min = numberAt(bounds, ["min"]);
    const max = numberAt(bounds, ["max"]);
    if (min !== null && max !== null && min > max) found.push(fault([...at, "max"], `must be at least \`min\` (${min})`));
    return found;
  });
}
