import { html } from "hono/html";
import type { Element } from "../blocks/elements.ts";
import type { Confirmation, Option, TextObject } from "../blocks/text.ts";
import { initialOf, type Given } from "../people/values.ts";
import { mrkdwn, nothing, plain, type Html, type Reader } from "./mrkdwn.ts";

/** What an element needs to know of where it stands. */
export interface Placing {
  reader: Reader;
  blockId: string;
  /** Of the label that names it; elements outside of an input block name themselves. */
  labelId: string | null;
  /** Each change goes to the app at once: outside of input blocks, or where the block says so. */
  isLive: boolean;
  /** The person waits for the app, or the app did not answer. */
  mark: { actionId: string; state: "working" | "failed" } | null;
  describedBy: string | null;
}

export function textOf(text: TextObject, reader: Reader): Html {
  return text.type === "mrkdwn" ? mrkdwn(text.text, reader) : plain(text.text);
}

function confirmText(confirm: Confirmation | undefined): string | null {
  if (confirm === undefined) return null;
  return JSON.stringify({
    title: confirm.title?.text ?? "Are you sure?",
    text: confirm.text.text,
    confirm: confirm.confirm?.text ?? "Yes",
    deny: confirm.deny?.text ?? "Cancel",
    danger: confirm.style === "danger",
  });
}

/** The attributes by which the page's script knows what was used. */
function attributes(element: Element, placing: Placing): Html {
  const actionId = "action_id" in element ? (element.action_id ?? "") : "";
  const confirm = "confirm" in element ? confirmText(element.confirm) : null;
  const name = nameOf(element);
  return html`data-element="${element.type}" data-action="${actionId}" data-block="${placing.blockId}"
  ${placing.isLive ? html`data-live` : nothing} ${confirm === null ? nothing : html`data-confirm="${confirm}"`}
  ${placing.labelId === null ? html`aria-label="${name}"` : html`aria-labelledby="${placing.labelId}"`}
  ${placing.describedBy === null ? nothing : html`aria-describedby="${placing.describedBy}" aria-invalid="true"`}`;
}

function nameOf(element: Element): string {
  if (element.type === "button") return element.accessibility_label ?? element.text.text;
  if ("placeholder" in element && element.placeholder !== undefined) return element.placeholder.text;
  return element.type.replaceAll("_", " ");
}

function button(element: Extract<Element, { type: "button" }>, placing: Placing): Html {
  const mark = placing.mark !== null && placing.mark.actionId === element.action_id ? placing.mark.state : null;
  const kind = html`class="button ${element.style ?? ""} ${mark ?? ""}" ${attributes(element, placing)}`;
  const failed =
    mark === "failed"
      ? html`<span class="trouble" role="alert" title="This app did not answer in time">⚠ Countersign did not answer</span>`
      : nothing;
  if (element.url !== undefined)
    return html`<a ${kind} href="${element.url}" target="_blank" rel="noreferrer">${plain(element.text.text)}</a>${failed}`;
  return html`<button type="button" ${kind} ${mark === "working" ? html`disabled` : nothing}>${plain(element.text.text)}</button
    >${failed}`;
}

function options(list: Option[], chosen: string[]): Html {
  return html`${list.map(
    ({ value, text }) =>
      html`<option value="${value}" ${chosen.includes(value) ? html`selected` : nothing}>${plain(text.text)}</option>`,
  )}`;
}

const chosenOf = (given: Given): string[] => (Array.isArray(given) ? given : given === null ? [] : [String(given)]);

function menu(element: Extract<Element, { type: "static_select" }>, placing: Placing): Html {
  const chosen = chosenOf(initialOf(element));
  const grouped = (element.option_groups ?? []).map(
    (group) => html`<optgroup label="${group.label.text}">${options(group.options, chosen)}</optgroup>`,
  );
  return html`<select ${attributes(element, placing)}>
    <option value="">${element.placeholder?.text ?? "Choose…"}</option>
    ${options(element.options ?? [], chosen)} ${grouped}
  </select>`;
}

/** Boxes and buttons to choose with, each labelled by its option. */
function choices(element: Extract<Element, { type: "checkboxes" | "radio_buttons" }>, placing: Placing): Html {
  const kind = element.type === "checkboxes" ? "checkbox" : "radio";
  const chosen = chosenOf(initialOf(element));
  const group = `${placing.blockId}-${element.action_id ?? ""}`;
  const one = (option: Option) =>
    html`<label class="choice"
      ><input type="${kind}" name="${group}" value="${option.value}" ${chosen.includes(option.value) ? html`checked` : nothing} />
      <span
        >${textOf(option.text, placing.reader)}
        ${option.description === undefined ? nothing : html`<small>${textOf(option.description, placing.reader)}</small>`}</span
      ></label
    >`;
  return html`<div class="choices" role="${kind === "radio" ? "radiogroup" : "group"}" ${attributes(element, placing)}>
    ${element.options.map(one)}
  </div>`;
}

const inputTypes: Partial<Record<Element["type"], string>> = {
  datepicker: "date",
  // Text, so that what is no number comes to the form's own check.
  number_input: "text",
  plain_text_input: "text",
};

function field(element: Element, placing: Placing): Html {
  const initial = initialOf(element);
  const value = Array.isArray(initial) || initial === null ? "" : String(initial);
  const hint = "placeholder" in element ? (element.placeholder?.text ?? "") : "";
  if (element.type === "plain_text_input" && element.multiline === true)
    return html`<textarea rows="4" placeholder="${hint}" ${attributes(element, placing)}>${value}</textarea>`;
  const numeric = element.type === "number_input" ? html`inputmode="decimal"` : nothing;
  return html`<input
    type="${inputTypes[element.type] ?? "text"}"
    value="${value}"
    placeholder="${hint}"
    ${numeric}
    ${attributes(element, placing)}
  />`;
}

/** An element as a person uses it. */
export function renderElement(element: Element, placing: Placing): Html {
  switch (element.type) {
    case "button":
      return button(element, placing);
    case "static_select":
      return menu(element, placing);
    case "checkboxes":
    case "radio_buttons":
      return choices(element, placing);
    case "image":
      return nothing;
    default:
      return field(element, placing);
  }
}
