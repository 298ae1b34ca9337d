import { html } from "hono/html";
import type { GateView } from "../../domain/http/gate-views.ts";
import { featureOriginsTitle } from "../../domain/data-words.ts";
import { onDeadlineInWords } from "../../domain/notice-text.ts";
import { quorumInWords, type QuorumRule } from "../../domain/quorum.ts";
import { durationInWords, either } from "../../domain/wording.ts";
import { badge, digest, gateLink, guards, moment, nothing, paths, releaseLink, temporalLink } from "../markup.ts";
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
        ${gate.subject.kind}
        <strong>${gate.subject.kind === "deployment" ? (model ?? gate.subject.id) : gate.subject.id}</strong>
        ${badge(gate.resolution ?? gate.state)} ${deadline(gate, now)}
      </p>
    </header>
    ${receipt}
    <div id="warnings" data-part>${warnings(gate)}</div>
    ${gate.you.mayDecide && gate.state === "open" ? html`<p class="jump"><a class="button main" href="#decide">To the decision</a></p>` : nothing}
    <p class="why">${request.why}</p>
    ${changed(gate)}
    <div class="split">
      <div class="evidence">${details(gate)}${evidence}</div>
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
  if (leftMs <= 0) return html`<span>overdue since ${moment(request.deadline)}</span>`;
  return html`<span
    >until ${moment(request.deadline)} (${durationInWords(leftMs)}; ${onDeadlineInWords[request.onDeadline]})</span
  >`;
}

/** What makes this request special at this moment: out of date, past its deadline, or undecidable. */
function warnings({ state, stale, undecidable, overdueSince, request }: GateView): Html {
  if (state === "closed") return nothing;
  const said = [
    ...(stale === null ? [] : [`${stale} The evidence is being renewed; it is asked anew.`]),
    ...(undecidable === null ? [] : [`${undecidable} The policy's owner was told.`]),
    ...(overdueSince === null
      ? []
      : [
          `The deadline has passed. Decisions are still taken${request.expiresAt === null ? "." : " until the evidence is too old."}`,
        ]),
  ];
  return html`${said.map((sentence) => html`<p class="card callout bad" role="status">${sentence}</p>`)}`;
}

/** For whoever read the request before: what is different now, and nothing else. */
function changed({ request }: GateView): Html {
  if (request.changed === null) return nothing;
  const { gate, changes } = request.changed;
  return html`<section class="card" id="changed" aria-labelledby="changed-title">
    <h2 id="changed-title">What changed since ${gateLink(gate)}</h2>
    ${
      changes.length === 0
        ? html`<p>Nothing of what is shown.</p>`
        : html`<ul>
            ${changes.map((one) => html`<li>${one}</li>`)}
          </ul>`
    }
  </section>`;
}

/** A subject that no stage made says itself what it is about. */
function details({ request }: GateView): Html {
  const { details: sections = [], findings = [] } = request.evidence;
  return html`${sections.map(
    ({ title, text }) =>
      html`<section class="card">
        <h2>${title}</h2>
        ${
          title === featureOriginsTitle
            ? html`<details>
                <summary>What each tells of the label alone, and from which columns it comes</summary>
                <pre class="details">${text}</pre>
              </details>`
            : html`<pre class="details">${text}</pre>`
        }
      </section>`,
  )}${
    findings.length === 0
      ? nothing
      : html`<section class="card">
          <h2>Open findings</h2>
          <ul class="plain-list">
            ${findings.map((one) => html`<li><code>${one.id}</code> ${one.title} ${moment(one.since)}</li>`)}
          </ul>
        </section>`
  }`;
}

function decideBody(gate: GateView, form: DecisionForm): Html {
  if (gate.state === "closed") return closed(gate);
  if (gate.state === "opening") return html`<p>The request is being opened; this takes a moment.</p>`;
  if (gate.you.mayDecide) return decisionForm(gate, form);
  return html`<p class="barred">${gate.you.why ?? "You may not decide on this gate."}</p>
    ${gate.you.receipt === "duplicate" || gate.you.receipt === "already-voted" ? withdrawalForm(gate, form) : nothing}`;
}

function withdrawalForm(gate: GateView, { csrf, key }: DecisionForm): Html {
  return html`<form method="post" action="${paths.gate(gate.id)}/withdrawals" data-once>
    ${guards({ csrf, key })}<label class="field" for="withdraw-reason"
      ><span>Take your decision back, as long as the gate is open. Why?</span
      ><textarea id="withdraw-reason" name="reason" rows="2" maxlength="2000" required></textarea></label
    ><button type="submit">Take it back</button>
  </form>`;
}

function closed(gate: GateView): Html {
  const by = gate.outcome?.by ?? gate.decisions.findLast((one) => one.counted)?.by;
  return html`<p class="outcome">
      ${badge(gate.resolution ?? "closed")} ${by === undefined ? nothing : `by ${by}`}
      ${gate.closedAt === null ? nothing : moment(gate.closedAt)}
    </p>
    ${gate.outcome?.by === null && gate.outcome.reason !== null ? html`<p>${gate.outcome.reason}</p>` : nothing}
    ${gate.supersededBy === null ? nothing : html`<p>It was asked anew: ${gateLink(gate.supersededBy)}.</p>`}
    ${gate.release === null ? nothing : html`<p>What came of it: ${releaseLink(gate.release)}</p>`}`;
}

/** The chain that the request was frozen with, and how far it has come. */
function chain({ request, escalationLevel }: Pick<GateView, "request" | "escalationLevel">): Html {
  if (request.escalation.length === 0) return nothing;
  return html`<p class="note">
    ${request.escalation.map(({ groups, afterMs }, index) =>
      index < escalationLevel
        ? html`Escalated to ${either(groups)}. `
        : html`After ${durationInWords(afterMs)} without a decision ${either(groups)} decide as well. `,
    )}
  </p>`;
}

function people({ request, decisions, missing, state, escalationLevel }: GateView): Html {
  const { deciders, excluded } = request;
  const escalatedTo = request.escalation.slice(0, escalationLevel).flatMap((step) => step.groups);
  return html`<p>
      ${quorumInWords(asRule(deciders, escalatedTo))}.${state === "open" && missing.length > 0 && decisions.length > 0 ? ` Still missing: ${either(missing, "and")}.` : ""}
    </p>
    ${chain({ request, escalationLevel })}
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

function asRule(deciders: GateView["request"]["deciders"], escalatedTo: string[]): QuorumRule {
  const { groups, quorum, people: named, oneFromEach } = deciders;
  return { groups, quorum, escalatedTo, ...(named && { people: named }), ...(oneFromEach && { oneFromEach }) };
}

const badgeOf = { approve: "approved", reject: "rejected", "request-changes": "changes-requested", escalate: "waiting" } as const;

function decisionItem(one: GateView["decisions"][number]): Html {
  const changes = parametersInWords(one.parameters);
  return html`<li>
    <strong>${one.by}</strong>${one.onBehalfOf === null ? nothing : ` for ${one.onBehalfOf}`}
    ${badge(badgeOf[one.decision], one.decision)} ${moment(one.at)}${one.surface === "console" ? nothing : ` by ${one.surface}`}
    ${one.reason === null ? nothing : html`<q>${one.reason}</q>`}${one.returnTo === null ? nothing : html`<p>Back to ${one.returnTo}.</p>`}${changes === null ? nothing : html`<p>${changes}</p>`}
    ${one.conditions.map(({ finding, by }) => html`<p>On condition: ${finding}, by ${moment(by)}</p>`)}
    ${Object.entries(one.inputs).map(([name, value]) => html`<p>${name}: ${String(value)}</p>`)}
    ${one.counted ? nothing : html`<p class="fault">Does not count: ${one.whyNot ?? "it came too late"}</p>`}
  </li>`;
}
