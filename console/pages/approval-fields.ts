import { html } from "hono/html";
import type { GateView } from "../../domain/http/gate-views.ts";
import type { GateInput } from "../../domain/policy.ts";
import { durationInWords } from "../../domain/wording.ts";
import { nothing } from "../markup.ts";
import type { Html } from "../markup.ts";

/** As many as fit a form; programs may send ten. */
export const conditionRows = 3;

/** What the policy lets an approver set, with its bounds where the browser can keep them. */
export function inputFields(inputs: GateInput[], kept: Record<string, string>): Html {
  if (inputs.length === 0) return nothing;
  return html`<fieldset class="approval">
    <legend>With an approval (those of the one that completes the quorum count)</legend>
    ${inputs.map((input) => inputField(input, kept[`i.${input.name}`]))}
  </fieldset>`;
}

function inputField(input: GateInput, given: string | undefined): Html {
  const id = `input-${input.name}`;
  const name = `i.${input.name}`;
  const value = given ?? (input.default === undefined ? "" : String(input.default));
  const bounds = input.type === "number" || input.type === "integer" ? ` (${input.min} to ${input.max})` : "";
  const control = {
    number: () => html`<input id="${id}" name="${name}" type="number" step="any" inputmode="decimal" value="${value}" />`,
    integer: () => html`<input id="${id}" name="${name}" type="number" step="1" inputmode="numeric" value="${value}" />`,
    text: () => html`<input id="${id}" name="${name}" value="${value}" autocomplete="off" />`,
    boolean: () => choice({ id, name, value, options: ["true", "false"] }),
    choice: () => choice({ id, name, value, options: input.type === "choice" ? input.options : [] }),
  }[input.type];
  return html`<label class="field" for="${id}"
    ><span>${input.title} <small>${bounds}${input.required === true ? " needed" : ""}</small></span
    >${control()}</label
  >`;
}

function choice({ id, name, value, options }: { id: string; name: string; value: string; options: string[] }): Html {
  return html`<select id="${id}" name="${name}">
    <option value=""></option>
    ${options.map((option) => html`<option${option === value ? html` selected` : nothing}>${option}</option>`)}
  </select>`;
}

/** An approval may hang on findings that are closed by a day; where the policy takes none there is nothing to fill in. */
export function conditionFields(conditional: GateView["request"]["conditional"], kept: Record<string, string>): Html {
  if (conditional === null) return nothing;
  const given = Object.entries(kept).some(([name, value]) => name.startsWith("c.") && value !== "");
  return html`<details class="approval" ${given ? html` open` : nothing}>
    <summary>Approve on condition</summary>
    <p class="note">
      The approval stands only if these are closed in time, within ${durationInWords(conditional.maxMs)} at most; otherwise it is
      revoked and the champion before comes back by itself.
    </p>
    ${Array.from(
      { length: conditionRows },
      (_, row) =>
        html`<div class="condition">
          <label class="field" for="c-finding-${row}"
            ><span>What is to be closed <small>(a finding's id, or in words)</small></span
            ><input
              id="c-finding-${row}"
              name="c.${row}.finding"
              value="${kept[`c.${row}.finding`] ?? ""}"
              maxlength="200" /></label
          ><label class="field" for="c-by-${row}"
            ><span>By the end of</span
            ><input id="c-by-${row}" name="c.${row}.by" type="date" value="${kept[`c.${row}.by`] ?? ""}"
          /></label>
        </div>`,
    )}
  </details>`;
}
