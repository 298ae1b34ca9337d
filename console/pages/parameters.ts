import { html } from "hono/html";
import type { ReleaseParameters } from "../../domain/stage-results.ts";
import type { Html } from "../markup.ts";

/** `until 2013-06; l2 = 3`, or null where nothing differs from the definition. */
export function parametersInWords(parameters: ReleaseParameters): string | null {
  const { train = {}, limits = {}, ...rest } = parameters;
  const words = [
    ...Object.entries(rest).map(([name, value]) => `${name} ${value}`),
    ...Object.entries(train).map(([name, value]) => `${name} = ${String(value)}`),
    ...Object.entries(limits).map(([name, value]) => `limit of ${name} ${value}`),
  ];
  return words.length === 0 ? null : words.join("; ");
}

/** Fields for what one release may change; forms.ts reads them. */
export function parameterFields(prefix: string, kept: Record<string, string> = {}): Html {
  const field = ({ name, label, type, hint }: { name: string; label: string; type: "text" | "number"; hint: string }) =>
    html`<label class="field" for="${prefix}-${name}"
      ><span>${label}</span
      ><input
        id="${prefix}-${name}"
        name="p.${name}"
        type="${type}"
        ${type === "number" ? html` step="any" inputmode="decimal"` : html``}
        value="${kept[`p.${name}`] ?? ""}"
        placeholder="${hint}"
        autocomplete="off"
    /></label>`;
  return html`<div class="fields">
    ${field({ name: "until", label: "Last month of data", type: "text", hint: "2013-06" })}
    ${field({ name: "months", label: "Months of data", type: "number", hint: "3" })}
    ${field({ name: "train", label: "Trainer’s parameters", type: "text", hint: "l2 = 3" })}
    ${field({ name: "seed", label: "Seed", type: "number", hint: "7" })}
    ${field({ name: "limits.memoryMb", label: "Memory for training, MB", type: "number", hint: "4096" })}
    ${field({ name: "limits.minutes", label: "Minutes for training", type: "number", hint: "20" })}
  </div>`;
}
