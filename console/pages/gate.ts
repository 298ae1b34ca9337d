import { html } from "hono/html";
import type { GateView } from "../../domain/http/gate-views.ts";
import { durationInWords } from "../../domain/wording.ts";
import { badge, digest, gateLink, moment, nothing, paths, releaseLink, temporalLink } from "../markup.ts";
import type { Html } from "../markup.ts";
import { decisionForm } from "./decision-form.ts";
import type { DecisionForm } from "./decision-form.ts";
import { crumbs } from "./layout.ts";
import { parametersInWords } from "./parameters.ts";

export interface GatePage {
  gate: GateView;
  /** The evidence's markup, made once: its digest goes into the form. */
  evidence: Html;
  form: DecisionForm;
  receipt: Html;
  now: number;
}

export function gatePage({ gate, evidence, form, receipt, now }: GatePage): Html {
  const { request, model, release } = gate;
  const trail = [
    ...(model === null ? [] : [{ href: paths.model(model), text: model }]),
    ...(release === null ? [] : [{ href: paths.release(release), text: release }]),
  ];
  return html`${crumbs(trail, `${gate.name}, request ${gate.number}`)}
    <header class="title" id="gate-title" data-part>
      <h1>${request.ask}</h1>
      <p class="sub">
        ${gate.subject.kind} <strong>${gate.subject.id}</strong> ${badge(gate.resolution ?? gate.state)} ${deadline(gate, now)}
      </p>
    </header>
    ${receipt}
    ${gate.you.mayDecide && gate.state === "open" ? html`<p class="jump"><a class="button main" href="#decide">To the decision</a></p>` : nothing}
    <p class="why">${request.why}</p>
    <div class="split">
      <div class="evidence">${evidence}</div>
      <aside class="decide" aria-label="Decision">
        <section class="card" id="decide" data-part data-keep="${keepKey(gate)}" aria-labelledby="decide-title">
          <h2 id="decide-title">${gate.state === "closed" ? "Decided" : "Decide"}</h2>
          ${decideBody(gate, form)}
        </section>
        <section class="card" id="people" data-part aria-labelledby="people-title">
          <h2 id="people-title">Who decides</h2>
          ${people(gate)}
        </section>
        <p class="note">
          The request is frozen. Digest ${digest(request.digest)} ${temporalLink(gate.links.temporal, "The same in Temporal")}
        </p>
      </aside>
    </div>`;
}

/** The form stays as the reader left it until who may decide, or what, changes. */
function keepKey(gate: GateView): string {
  return [gate.state, gate.resolution ?? "", gate.you.mayDecide, gate.decisions.length].join(" ");
}

function deadline({ state, request }: GateView, now: number): Html {
  if (state === "closed") return nothing;
  const leftMs = Date.parse(request.deadline) - now;
  const onDeadline = { hold: "then it goes on waiting", reject: "then it expires", approve: "then the policy approves" }[
    request.onDeadline
  ];
  if (leftMs <= 0) return html`<span>overdue since ${moment(request.deadline)}</span>`;
  return html`<span>until ${moment(request.deadline)} (${durationInWords(leftMs)}; ${onDeadline})</span>`;
}

function decideBody(gate: GateView, form: DecisionForm): Html {
  if (gate.state === "closed") return closed(gate);
  if (gate.state === "opening") return html`<p>The request is being opened; this takes a moment.</p>`;
  if (gate.you.mayDecide) return decisionForm(gate, form);
  return html`<p class="barred">${gate.you.why ?? "You may not decide on this gate."}</p>`;
}

function closed(gate: GateView): Html {
  const last = gate.decisions.findLast((one) => one.counted);
  return html`<p class="outcome">
      ${badge(gate.resolution ?? "closed")} ${last === undefined ? nothing : `by ${last.by}`}
      ${gate.closedAt === null ? nothing : moment(gate.closedAt)}
    </p>
    ${gate.supersededBy === null ? nothing : html`<p>It was asked anew: ${gateLink(gate.supersededBy)}.</p>`}
    ${gate.release === null ? nothing : html`<p>What came of it: ${releaseLink(gate.release)}</p>`}`;
}

function people({ request, decisions, missing, state }: GateView): Html {
  const { deciders, excluded } = request;
  const quorum = deciders.quorum === 1 ? "One member" : `${deciders.quorum} members`;
  return html`<p>
      ${quorum} of
      ${deciders.groups.join(" or ")}.${state === "open" && missing.length > 0 ? ` Still missing: ${missing.join(", ")}.` : ""}
    </p>
    ${
      excluded.length === 0
        ? nothing
        : html`<h3>Who may not, and why</h3>
            <ul class="plain-list">
              ${excluded.map((one) => html`<li><strong>${one.principal}</strong> ${one.why}</li>`)}
            </ul>`
    }
    ${
      decisions.length === 0
        ? nothing
        : html`<h3>Decisions</h3>
            <ol class="plain-list decisions">
              ${decisions.map(decisionItem)}
            </ol>`
    }`;
}

function decisionItem(one: GateView["decisions"][number]): Html {
  const changes = parametersInWords(one.parameters);
  return html`<li>
    <strong>${one.by}</strong>
    ${badge(one.decision === "approve" ? "approved" : one.decision === "reject" ? "rejected" : "changes-requested", one.decision)}
    ${moment(one.at)}${one.surface === "console" ? nothing : ` by ${one.surface}`}
    ${one.reason === null ? nothing : html`<q>${one.reason}</q>`}${one.returnTo === null ? nothing : html`<p>Back to ${one.returnTo}.</p>`}${changes === null ? nothing : html`<p>${changes}</p>`}
    ${one.counted ? nothing : html`<p class="fault">Does not count: ${one.whyNot ?? "it came too late"}</p>`}
  </li>`;
}
