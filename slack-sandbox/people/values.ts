import type { Block } from "../blocks/blocks.ts";
import type { Element } from "../blocks/elements.ts";
import type { Option } from "../blocks/text.ts";
import { elementsOf } from "../blocks/walk.ts";

/** What a person puts into an element: the value of an option, a date, a text; several of them; nothing. */
export type Given = string | string[] | number | null;

/** By block id or action id. */
export type GivenValues = Record<string, Given>;

function optionsOf(element: Element): Option[] {
  const groups = "option_groups" in element ? (element.option_groups ?? []).flatMap((group) => group.options) : [];
  const own = "options" in element ? (element.options ?? []) : [];
  return [...own, ...groups];
}

function chosen(element: Element, value: string): Option {
  const found = optionsOf(element).find((option) => option.value === value || option.text.text === value);
  if (found === undefined) throw new Error(`No option "${value}" in ${element.type}.`);
  return found;
}

const one = (given: Given): string | null => (Array.isArray(given) ? (given[0] ?? null) : given === null ? null : String(given));
const many = (given: Given): string[] => (Array.isArray(given) ? given : given === null || given === "" ? [] : [String(given)]);

/** What the element holds at first. */
export function initialOf(element: Element): Given {
  if ("initial_option" in element) return element.initial_option?.value ?? null;
  if ("initial_options" in element) return (element.initial_options ?? []).map((option) => option.value);
  if ("initial_value" in element) return element.initial_value ?? null;
  if ("initial_date" in element) return element.initial_date ?? null;
  return null;
}

/** The element's part of `state.values`, or null where it holds nothing that is sent. */
export function stateOf(element: Element, given: Given): Record<string, unknown> | null {
  const { type } = element;
  const value = one(given);
  switch (type) {
    case "static_select":
    case "radio_buttons":
      return { type, selected_option: value === null || value === "" ? null : chosen(element, value) };
    case "checkboxes":
      return { type, selected_options: many(given).map((each) => chosen(element, each)) };
    case "datepicker":
      return { type, selected_date: value === "" ? null : value };
    case "plain_text_input":
    case "number_input":
      // What is empty is null, never an empty text.
      return { type, value: value === "" ? null : value };
    case "button":
    case "image":
      return null;
  }
}

export type StateValues = Record<string, Record<string, Record<string, unknown>>>;

/** `state.values` of blocks, with what was given by block id or action id, and else what was there at first. */
export function stateValues(blocks: Block[], given: GivenValues): StateValues {
  const values: StateValues = {};
  for (const { element, block } of elementsOf(blocks)) {
    const blockId = block.block_id ?? "";
    const actionId = "action_id" in element ? (element.action_id ?? "") : "";
    const said = given[blockId] !== undefined && block.type === "input" ? given[blockId] : given[actionId];
    const state = stateOf(element, said === undefined ? initialOf(element) : said);
    if (state !== null) values[blockId] = { ...values[blockId], [actionId]: state };
  }
  return values;
}

/** What Slack's own form says before it asks the app: by block id. */
export function formErrors(blocks: Block[], values: StateValues): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const block of blocks) {
    if (block.type !== "input") continue;
    const { element, block_id: id = "" } = block;
    const state = values[id]?.[("action_id" in element ? element.action_id : undefined) ?? ""] ?? {};
    const error = fieldError(element, { state, optional: block.optional === true });
    if (error !== null) errors[id] = error;
  }
  return errors;
}

function fieldError(element: Element, { state, optional }: { state: Record<string, unknown>; optional: boolean }): string | null {
  const held = Object.entries(state).find(([name]) => name !== "type")?.[1] ?? null;
  const empty = held === null || (Array.isArray(held) && held.length === 0);
  if (empty) return optional ? null : "Please complete this required field.";
  if (typeof held !== "string") return null;
  switch (element.type) {
    case "plain_text_input":
      if (held.length > (element.max_length ?? 3_000)) return `Must be no more than ${element.max_length ?? 3_000} characters.`;
      return held.length < (element.min_length ?? 0) ? `Must be at least ${element.min_length} characters.` : null;
    case "number_input":
      if (!/^-?\d+(\.\d+)?$/.test(held)) return "Please enter a number.";
      if (!element.is_decimal_allowed && held.includes(".")) return "Please enter a whole number.";
      if (Number(held) < Number(element.min_value ?? "-Infinity")) return `Must be at least ${element.min_value}.`;
      return Number(held) > Number(element.max_value ?? "Infinity") ? `Must be no more than ${element.max_value}.` : null;
    default:
      return null;
  }
}
