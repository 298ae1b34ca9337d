import type { Fault } from "../domain/errors.ts";
import type { GateInput } from "../domain/policy.ts";
import { conditionRows } from "./blocks/forms.ts";

/** What a person filled in, by block: text, a number's text, a choice or a day. */
export type Filled = Record<string, string | null>;

interface ElementState {
  value?: string | null;
  selected_option?: { value: string } | null;
  /** Of a date picker: 2026-12-31. */
  selected_date?: string | null;
}

/** The state of a submitted view, whose blocks have one element each. */
export function filledIn(values: Record<string, Record<string, ElementState>>): Filled {
  return Object.fromEntries(
    Object.entries(values).map(([block, elements]) => {
      const [element] = Object.values(elements);
      const text = element?.value ?? element?.selected_option?.value ?? element?.selected_date ?? null;
      return [block, text === null || text.trim() === "" ? null : text.trim()];
    }),
  );
}

/** The policy's inputs with the types that it names; control checks their bounds. */
export function inputsIn(filled: Filled, inputs: GateInput[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    inputs.flatMap((input): [string, string | number | boolean][] => {
      const text = filled[`input.${input.name}`] ?? null;
      if (text === null) return [];
      if (input.type === "number" || input.type === "integer") return [[input.name, Number(text)]];
      if (input.type === "boolean") return [[input.name, text === "yes"]];
      return [[input.name, text]];
    }),
  );
}

/** What an approval hangs on, and in which row of the form each stands. Days end at midnight in UTC. */
export function conditionsIn(filled: Filled): { conditions: { finding: string; by: string }[]; rows: number[] } {
  const rows = Array.from({ length: conditionRows }, (_, row) => row).filter(
    (row) => (filled[`conditions.${row}.finding`] ?? null) !== null || (filled[`conditions.${row}.by`] ?? null) !== null,
  );
  const conditions = rows.map((row) => ({
    finding: filled[`conditions.${row}.finding`] ?? "",
    by: `${filled[`conditions.${row}.by`] ?? ""}T23:59:59.999Z`,
  }));
  return { conditions, rows };
}

/** `seed = 7`, `train.l2 = 3`, one a line or between commas; a line that is none is a fault at the field. */
export function parametersIn(text: string | null): { parameters: Record<string, unknown>; fault: string | null } {
  const parameters: Record<string, unknown> = {};
  for (const line of (text ?? "").split(/[\n,;]/).filter((part) => part.trim() !== "")) {
    const match = /^\s*([A-Za-z][\w.]*)\s*=\s*(.+?)\s*$/.exec(line);
    if (!match) return { parameters: {}, fault: `“${line.trim()}” is no “name = value”.` };
    const [, path = "", value = ""] = match;
    const [first = "", ...rest] = path.split(".");
    if (rest.length === 0) parameters[first] = scalar(value);
    else parameters[first] = { ...(parameters[first] as object | undefined), [rest.join(".")]: scalar(value) };
  }
  return { parameters, fault: null };
}

function scalar(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

/** Faults of control at the blocks of the form; null where one of them belongs to none of its fields. */
export function errorsAtFields(
  faults: readonly Pick<Fault, "path" | "message">[],
  blocks: readonly string[],
  /** In which row of the form each condition stands. */
  rows: readonly number[] = [],
): Record<string, string> | null {
  const errors: Record<string, string> = {};
  for (const { path, message } of faults) {
    const block = blockOf(path, rows);
    if (!blocks.includes(block)) return null;
    const isWhole = path === block || path === "" || path.startsWith("conditions.");
    const where = isWhole ? "" : `${path.replace(/^(parameters|inputs)\./, "")}: `;
    errors[block] = `${where}${message}`.slice(0, 300);
  }
  return Object.keys(errors).length === 0 ? null : errors;
}

function blockOf(path: string, rows: readonly number[]): string {
  const [first = "", second = "", third = ""] = path.split(".");
  if (first === "conditions") return `conditions.${rows[Number(second)] ?? 0}.${third || "finding"}`;
  return first === "inputs" ? `input.${second}` : first;
}
