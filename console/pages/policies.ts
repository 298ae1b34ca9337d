import { html } from "hono/html";
import { onDeadlineInWords } from "../../domain/notice-text.ts";
import { policyText } from "../../domain/policy-text.ts";
import type { PolicyItemView, PolicyTestView, PolicyView, RuleView } from "../../domain/http/policy-views.ts";
import { maturities, tiers } from "../../domain/policy.ts";
import { sampleNames } from "../../domain/sample-evidence.ts";
import { badge, digest, moment, nothing, paths, type Html } from "../markup.ts";
import { crumbs } from "./layout.ts";

/** What is in force where: a row for each tier and maturity, and for each team that has its own. */
export function policiesPage(policies: PolicyItemView[]): Html {
  const rows = tiers.flatMap((tier) =>
    maturities.flatMap((maturity) =>
      policies
        .filter((one) => one.tier === tier)
        .flatMap((policy) =>
          policy.governs.filter((one) => one.maturity === maturity).map(({ team }) => ({ tier, maturity, team, policy })),
        )
        .toSorted((one, other) => (one.team ?? "").localeCompare(other.team ?? "")),
    ),
  );
  const idle = policies.filter(
    (one) => one.governs.length === 0 && !policies.some((other) => other.id === one.id && other.version > one.version),
  );
  return html`<header class="title">
      <h1>Policies</h1>
      <p class="sub">
        Which gates a release passes and who decides, by the risk tier and the maturity that its definition names.
      </p>
    </header>
    <section class="card" id="policies" data-part>
      <table class="list">
        <thead>
          <tr>
            <th>Tier</th>
            <th>Maturity</th>
            <th>Policy</th>
            <th>What it asks</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ tier, maturity, team, policy }) =>
              html`<tr>
                <td data-label="Tier">${tier}</td>
                <td data-label="Maturity">${maturity}${team === null ? nothing : html` <small>${team} alone</small>`}</td>
                <td data-label="Policy"><a href="${paths.policy(policy.id)}">${policy.id} ${policy.version}</a></td>
                <td data-label="What it asks">${policy.title} ${troubles(policy.gates)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>
    ${
      idle.length === 0
        ? nothing
        : html`<section class="card" aria-labelledby="idle">
            <h2 id="idle">In force nowhere</h2>
            <ul class="plain-list">
              ${idle.map((one) => html`<li><a href="${paths.policy(one.id)}">${one.id} ${one.version}</a> ${one.title}</li>`)}
            </ul>
          </section>`
    }`;
}

function troubles(rules: RuleView[]): Html {
  const bad = rules.filter((one) => one.mayDecide.trouble !== null);
  return html`${bad.map(({ name, mayDecide }) => html`<br /><span class="badge bad">${name}</span> ${mayDecide.trouble}`)}`;
}

export interface PolicyPage {
  policy: PolicyView;
  tried: PolicyTestView | null;
  asked: { release: string; sample: string };
  /** What was wrong with the question. */
  receipt: Html;
}

export function policyPage({ policy, tried, asked, receipt }: PolicyPage): Html {
  const { waiting } = policy;
  return html`${crumbs([{ href: paths.policies(), text: "Policies" }], policy.id)}
    <header class="title">
      <h1>${policy.id} ${policy.version}</h1>
      <p class="sub">${policy.title}</p>
    </header>
    ${
      waiting === null
        ? nothing
        : html`<p class="card callout wait" role="status">
            Version ${waiting.version} by ${waiting.proposedBy} waits at
            <a href="${paths.gate(waiting.gate)}">${waiting.gate}</a>; until it is approved this one stays in force.
          </p>`
    }
    <div class="split">
      <div>
        <section class="card" aria-labelledby="words">
          <h2 id="words">In words</h2>
          <ul class="plain-list">
            ${policy.inWords.map((line) => html`<li>${line}</li>`)}
          </ul>
        </section>
        <section class="card" aria-labelledby="try">
          <h2 id="try">Try it</h2>
          ${receipt}${tryForm(policy.id, asked)}${tried === null ? nothing : outlook(tried)}
        </section>
      </div>
      <aside>
        <section class="card" aria-labelledby="deciders" data-part>
          <h2 id="deciders">Who may decide now</h2>
          <ul class="plain-list">
            ${[...policy.gates, ...policy.rules].map(deciders)}
          </ul>
        </section>
        <section class="card" aria-labelledby="versions">
          <h2 id="versions">Versions</h2>
          <ul class="plain-list">
            ${policy.versions.map(
              (one) =>
                html`<li>
                  ${one.version} by ${one.publishedBy}, ${moment(one.publishedAt)} ${digest(one.digest)}<br />${one.title}
                </li>`,
            )}
          </ul>
        </section>
      </aside>
    </div>
    <details class="card">
      <summary>As it is written</summary>
      <pre>${policyText(policy.document)}</pre>
    </details>`;
}

function deciders({ name, mayDecide: { now, trouble } }: RuleView): Html {
  const count = now === null ? "depends on the team that owns the model" : `${now} ${now === 1 ? "person" : "people"}`;
  return html`<li>
    ${name}: ${count}${trouble === null ? nothing : html` <span class="badge bad">cannot be met</span> ${trouble}`}
  </li>`;
}

/** A question that changes nothing, so it is a GET: its answer can be sent as a link. */
function tryForm(id: string, asked: PolicyPage["asked"]): Html {
  return html`<form method="get" action="${paths.policy(id)}" class="filters">
    <label class="field" for="try-release"
      >Release <input id="try-release" name="release" value="${asked.release}" placeholder="flight-delays.3"
    /></label>
    <label class="field" for="try-sample"
      >or sample evidence
      <select id="try-sample" name="sample">
        <option value=""></option>
        ${sampleNames.map((one) => html`<option value="${one}" ${one === asked.sample ? html` selected` : nothing}>${one}</option>`)}
      </select></label
    >
    <button type="submit">What would it ask?</button>
  </form>`;
}

function outlook({ summary, gates, evidence }: PolicyTestView): Html {
  return html`<div role="status">
    <p><strong>${evidence.release ?? `The sample ${evidence.sample ?? "ordinary"}`}:</strong> ${summary}</p>
    <ul class="plain-list">
      ${gates.map(
        (gate) =>
          html`<li>
            ${gate.needed ? badge("waiting", "asks") : badge("done", "asks nobody")} <strong>${gate.name}</strong> after
            ${gate.after}. ${gate.why}
            ${
              gate.needed
                ? html`<br />${gate.quorum} within ${gate.deadline}, ${onDeadlineInWords[gate.onDeadline]}. May decide now:
                    ${gate.mayDecide.join(", ") || "nobody"}.
                    ${gate.undecidable === null ? nothing : html`<span class="badge bad">cannot be met</span> ${gate.undecidable}`}
                    ${gate.barred.map(({ principal, why }) => html`<br /><small>Not ${principal}, who ${why}.</small>`)}`
                : nothing
            }
          </li>`,
      )}
    </ul>
  </div>`;
}
