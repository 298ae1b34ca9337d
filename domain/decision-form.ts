import type { Fault } from "./errors.ts";
import { reasonRequired, type ApprovalCondition, type DecisionInputs, type DecisionKind, type GateRequest } from "./gate.ts";
import type { GateInput } from "./policy.ts";
import { hasParameters } from "./release-parameters.ts";
import type { ReleaseParameters } from "./stage-results.ts";
import type { Stage } from "./stages.ts";
import { momentInWords } from "./wording.ts";

export interface DecisionForm {
  decision: DecisionKind;
  reason: string | null;
  returnTo: Stage | null;
  parameters: ReleaseParameters;
  inputs: DecisionInputs;
  conditions?: ApprovalCondition[];
}

type Asked = Pick<GateRequest, "inputs" | "conditional">;

/**
 * What a decision's form has wrong by the request it is about, all at once: inputs out of bounds, a
 * reason that is missing, conditions that the policy does not take. `at` is when it is made.
 */
export function formFaults(form: DecisionForm, request: Asked, at: string): Fault[] {
  const { decision } = form;
  const faults: Fault[] = [];
  if (reasonRequired[decision] && !form.reason?.trim())
    faults.push({ path: "reason", message: `say why: ${decision} needs a reason` });
  if (decision !== "request-changes" && form.returnTo !== null)
    faults.push({ path: "returnTo", message: "goes with request-changes only" });
  if (decision !== "request-changes" && hasParameters(form.parameters))
    faults.push({ path: "parameters", message: "go with request-changes only" });
  return [...faults, ...inputFaults(form, request.inputs ?? []), ...conditionFaults(form, request.conditional ?? null, at)];
}

function inputFaults({ decision, inputs }: DecisionForm, asked: GateInput[]): Fault[] {
  const names = Object.keys(inputs);
  if (decision !== "approve") return names.length > 0 ? [{ path: "inputs", message: "go with approve only" }] : [];
  const known = asked.map((input) => input.name);
  const unknown = names
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: `inputs.${name}`,
      message: known.length > 0 ? `is no input of this gate; it takes ${known.join(", ")}` : "this gate's policy names no inputs",
    }));
  return [...unknown, ...asked.flatMap((input) => faultOf(input, inputs[input.name]))];
}

function faultOf(input: GateInput, value: DecisionInputs[string] | undefined): Fault[] {
  const path = `inputs.${input.name}`;
  if (value === undefined)
    return input.required === true && input.default === undefined ? [{ path, message: `is needed: ${input.title}` }] : [];
  const message = wrongIn(input, value);
  return message === null ? [] : [{ path, message }];
}

function wrongIn(input: GateInput, value: DecisionInputs[string]): string | null {
  switch (input.type) {
    case "number":
    case "integer":
      if (typeof value !== "number" || !Number.isFinite(value)) return "must be a number";
      if (input.type === "integer" && !Number.isInteger(value)) return "must be a whole number";
      return value < input.min || value > input.max ? `must be between ${input.min} and ${input.max}` : null;
    case "choice":
      return typeof value === "string" && input.options.includes(value) ? null : `must be one of ${input.options.join(", ")}`;
    case "text":
      return typeof value === "string" && value.length <= input.maxLength
        ? null
        : `must be text of at most ${input.maxLength} characters`;
    case "boolean":
      return typeof value === "boolean" ? null : "must be true or false";
  }
}

const mostConditions = 10;

function conditionFaults({ decision, conditions = [] }: DecisionForm, allowed: { maxMs: number } | null, at: string): Fault[] {
  if (conditions.length === 0) return [];
  if (decision !== "approve") return [{ path: "conditions", message: "go with approve only" }];
  if (allowed === null) return [{ path: "conditions", message: "this gate's policy takes no conditional approvals" }];
  if (conditions.length > mostConditions) return [{ path: "conditions", message: `are ${mostConditions} at most` }];
  const latest = new Date(new Date(at).getTime() + allowed.maxMs).toISOString();
  return conditions.flatMap(({ finding, by }, index) => [
    ...(finding.trim().length < 3
      ? [{ path: `conditions.${index}.finding`, message: "name a finding, or say in words what is to be closed" }]
      : []),
    ...(by <= at || by > latest
      ? [{ path: `conditions.${index}.by`, message: `must be between now and ${momentInWords(latest)}` }]
      : []),
  ]);
}

/** The values in force: what was given, and the defaults of the rest. */
export function completeInputs(asked: GateInput[], given: DecisionInputs): DecisionInputs {
  const defaults = asked.flatMap((input) => (input.default === undefined ? [] : [[input.name, input.default] as const]));
  return { ...Object.fromEntries(defaults), ...given };
}
