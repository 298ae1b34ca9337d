import { html } from "hono/html";
import { decisionKinds } from "../../domain/gate.ts";
import type { GateView } from "../../domain/http/gate-views.ts";
import { stages } from "../../domain/stages.ts";
import { guards, nothing, paths } from "../markup.ts";
import type { Html } from "../markup.ts";
import { parameterFields } from "./parameters.ts";

export interface DecisionForm {
  csrf: string;
  key: string;
  /** Digest of the evidence as rendered. */
  seen: string;
  /** What was entered before, when it was not taken. */
  kept: Record<string, string>;
  fault: string | null;
}

const offered = decisionKinds.filter((kind) => kind !== "escalate");
const labels: Record<(typeof offered)[number], { title: string; what: string }> = {
  approve: { title: "Approve", what: "It becomes the champion." },
  reject: { title: "Reject", what: "The release ends; the champion stays." },
  "request-changes": { title: "Request changes", what: "The release ends and starts anew with them." },
};

/** Sends by POST only; the digest binds it to what is shown here. */
export function decisionForm(gate: GateView, { csrf, key, seen, kept, fault }: DecisionForm): Html {
  const chosen = kept["decision"];
  return html`<form class="decision" method="post" action="${paths.gate(gate.id)}/decisions" data-once>
    ${guards({ csrf, key })}<input type="hidden" name="digest" value="${gate.request.digest}" /><input
      type="hidden"
      name="seen"
      value="${seen}"
    />
    ${fault === null ? nothing : html`<p class="fault" role="alert">${fault}</p>`}
    <fieldset class="choice">
      <legend>Your decision</legend>
      ${offered.map(
        (kind) =>
          html`<label class="${kind}"
            ><input type="radio" name="decision" value="${kind}" required${chosen === kind ? html` checked` : nothing} />
            <span><strong>${labels[kind].title}</strong> <small>${labels[kind].what}</small></span></label
          >`,
      )}
    </fieldset>
    <label class="field" for="reason"
      ><span>Reason <small>(required unless you approve; it is kept on record)</small></span
      ><textarea id="reason" name="reason" rows="3" maxlength="2000">${kept["reason"] ?? ""}</textarea>
    </label>
    <div class="changes">
      <p>What should change</p>
      <label class="field" for="returnTo"
        ><span>Go back to</span
        ><select id="returnTo" name="returnTo">
          <option value="">the beginning</option>
          ${stages.slice(0, 5).map((stage) => html`<option${kept["returnTo"] === stage ? html` selected` : nothing}>${stage}</option>`)}
        </select></label
      >
      ${parameterFields("changes", kept)}
    </div>
    <button class="main" type="submit">Send decision</button>
  </form>`;
}
