import { html } from "hono/html";
import type { DecisionKind } from "../../domain/gate.ts";
import type { GateView } from "../../domain/http/gate-views.ts";
import { stages } from "../../domain/stages.ts";
import { either } from "../../domain/wording.ts";
import { guards, nothing, paths } from "../markup.ts";
import type { Html } from "../markup.ts";
import { conditionFields, inputFields } from "./approval-fields.ts";
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

const titles: Record<DecisionKind, string> = {
  approve: "Approve",
  reject: "Reject",
  "request-changes": "Request changes",
  escalate: "Escalate",
};

/** What an approval leads to, by the kind of what is asked about. */
const approvals: Record<string, string> = {
  version: "It goes on its way to become the champion.",
  dataset: "Training may begin.",
  definition: "The changed definition is in force.",
  policy: "The policy is published.",
  retirement: "The model is retired for ever; nothing of it serves from then on.",
  deployment: "The move stands.",
};

/** What a rejection leads to, likewise. */
const rejections: Record<string, string> = {
  definition: "The definition that is in force stays.",
  policy: "It is not published; what is in force stays.",
  retirement: "The model goes on as it is.",
  deployment: "The move is undone at once.",
};

/** The decisions that this gate takes now, each with what it leads to. */
function offered(gate: GateView): { kind: DecisionKind; what: string }[] {
  const { escalation } = gate.request;
  const next = escalation[gate.escalationLevel];
  const ofRelease = gate.release !== null;
  return [
    { kind: "approve", what: approvals[gate.subject.kind] ?? "What was asked for goes on." },
    {
      kind: "reject",
      what: ofRelease ? "The release ends; the champion stays." : (rejections[gate.subject.kind] ?? "It does not go on."),
    },
    ...(ofRelease ? [{ kind: "request-changes" as const, what: "The release ends and starts anew with them." }] : []),
    ...(next
      ? [{ kind: "escalate" as const, what: `From now on ${either(next.groups)} may decide as well. Uses up no vote.` }]
      : []),
  ];
}

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
      ${offered(gate).map(
        ({ kind, what }) =>
          html`<label class="${kind}"
            ><input type="radio" name="decision" value="${kind}" required${chosen === kind ? html` checked` : nothing} />
            <span><strong>${titles[kind]}</strong> <small>${what}</small></span></label
          >`,
      )}
    </fieldset>
    <label class="field" for="reason"
      ><span>Reason <small>(required unless you approve; it is kept on record)</small></span
      ><textarea id="reason" name="reason" rows="3" maxlength="2000">${kept["reason"] ?? ""}</textarea>
    </label>
    ${inputFields(gate.request.inputs, kept)}${conditionFields(gate.request.conditional, kept)}
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
