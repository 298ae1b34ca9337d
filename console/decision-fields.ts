import type { GateInput } from "../domain/policy.ts";
import { filled, parametersIn, type Fields } from "./forms.ts";
import { conditionRows } from "./pages/approval-fields.ts";

/** The form as the API's own body; control checks it. What belongs to other choices is left out. */
export function decisionIn(fields: Fields, inputs: GateInput[]): Record<string, unknown> {
  const decision = fields["decision"];
  const body = {
    decision,
    digest: fields["digest"],
    seen: filled(fields, "seen") ?? null,
    reason: filled(fields, "reason") ?? null,
  };
  if (decision === "request-changes")
    return { ...body, returnTo: filled(fields, "returnTo") ?? null, parameters: parametersIn(fields) };
  return decision === "approve" ? { ...body, inputs: inputsIn(fields, inputs), conditions: conditionsIn(fields) } : body;
}

/** A field that does not hold what it should goes on as it is, so that the answer names it. */
function inputsIn(fields: Fields, inputs: GateInput[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    inputs.flatMap(({ name, type }) => {
      const text = filled(fields, `i.${name}`);
      return text === undefined ? [] : [[name, valueOf(type, text)] as const];
    }),
  );
}

function valueOf(type: GateInput["type"], text: string): string | number | boolean {
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  if ((type === "number" || type === "integer") && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text);
  return text;
}

/** Days end at midnight in UTC. */
function conditionsIn(fields: Fields): { finding: string; by: string }[] {
  return Array.from({ length: conditionRows }, (_, row) => row).flatMap((row) => {
    const finding = filled(fields, `c.${row}.finding`);
    const day = filled(fields, `c.${row}.by`);
    return finding === undefined && day === undefined ? [] : [{ finding: finding ?? "", by: `${day ?? ""}T23:59:59.999Z` }];
  });
}
