import { html } from "hono/html";
import type { ModelItemView, ModelView, VersionItemView } from "../../domain/http/model-views.ts";
import type { ReleaseItemView } from "../../domain/http/release-views.ts";
import { badge, digest, facts, gateLink, guards, moment, nothing, paths, releaseLink, temporalLink } from "../markup.ts";
import type { Html } from "../markup.ts";
import { breakGlassForm, breakGlassLine } from "./break-glass.ts";
import { findingsSection, type OpenFinding } from "./findings.ts";
import { crumbs } from "./layout.ts";
import { parameterFields } from "./parameters.ts";

export function modelsPage(models: ModelItemView[]): Html {
  if (models.length === 0)
    return html`<header class="title"><h1>Models</h1></header>
      <section class="card empty">
        <p>There is no model yet that you may see.</p>
        <p><code>npx countersign apply examples/flight-delays/model.yaml</code> registers one.</p>
      </section>`;
  return html`<header class="title"><h1>Models</h1></header>
    <ul class="tiles" id="models" data-part>
      ${models.map(modelTile)}
    </ul>`;
}

function modelTile(model: ModelItemView): Html {
  return html`<li class="card">
    <h2><a href="${paths.model(model.model)}">${model.model}</a> ${model.state === "active" ? nothing : badge(model.state)}</h2>
    <p>${model.title}</p>
    ${facts([
      ["Champion", championLines(model)],
      ["Active release", model.activeRelease === null ? null : releaseLink(model.activeRelease)],
      ["Tier", model.tier],
      ["Owner", `${model.owner.team}, ${model.owner.person}`],
    ])}
    ${findings(model)}
  </li>`;
}

function championLines({ slots }: ModelItemView): Html {
  const serving = slots.flatMap((slot) =>
    slot.champion === null
      ? []
      : [
          html`<span class="line"
            ><a href="${paths.version(slot.champion.version)}">${slot.champion.version}</a> in ${slot.environment}</span
          >`,
        ],
  );
  return serving.length === 0 ? html`none yet` : html`${serving}`;
}

function findings({ findings: found }: ModelItemView): Html {
  return found.length === 0
    ? nothing
    : html`<ul class="findings">
        ${found.map((one) => html`<li>${badge("warn", one.kind)} ${one.message} <small>${moment(one.at)}</small></li>`)}
      </ul>`;
}

export interface ModelPage {
  model: ModelView;
  releases: ReleaseItemView[];
  versions: VersionItemView[];
  findings: OpenFinding[];
  csrf: string;
  key: string;
  receipt: Html;
  kept: Record<string, string>;
}

export function modelPage(view: ModelPage): Html {
  const { model, releases, receipt } = view;
  const champions = model.slots.map(({ champion }) => champion?.version ?? "");
  return html`${crumbs([{ href: paths.models(), text: "Models" }], model.model)}
    <header class="title" id="model-title" data-part>
      <h1>${model.model} ${badge(model.state)}</h1>
      <p class="sub">${model.title}</p>
    </header>
    ${receipt}
    <div class="split">
      <div>
        <section id="waiting" data-part>${model.waiting.map(waitingAt)}</section>
        <section class="card" id="slots" data-part aria-labelledby="slots-title">
          <h2 id="slots-title">In service</h2>
          ${retiredLine(model)}${model.slots.map((one) => slot(model, one))}${model.slots.length === 0 ? html`<p>Nothing serves yet.</p>` : nothing}${findings(model)}${breakGlassLine(model)}
        </section>
        <div id="findings" data-part data-keep="${view.findings.map(({ finding }) => finding.id).join(" ")}">
          ${findingsSection(view.findings, { model: model.model, csrf: view.csrf, key: view.key })}
        </div>
        <section class="card" aria-labelledby="releases-title">
          <h2 id="releases-title">Releases</h2>
          <div id="releases" data-part>${releaseTable(releases)}</div>
        </section>
      </div>
      <aside>
        <section class="card" aria-labelledby="about-title">
          <h2 id="about-title">About it</h2>
          ${facts([
            ["Owner", `${model.owner.team}; ${model.owner.person} answers for it`],
            ["Tier", `${model.tier}, maturity ${model.maturity}`],
            ["Trainer", model.definition.train.trainer],
            ["Definition", digest(model.definitionDigest)],
            ["Changed", moment(model.updatedAt)],
          ])}
          <p>
            ${temporalLink(model.links.temporal, "Its life in Temporal")}
            <a href="${paths.audit()}?model=${encodeURIComponent(model.model)}">Audit</a>
          </p>
        </section>
        ${model.actions.includes("release") ? requestForm(view) : nothing}
        <div id="rollback" data-part data-keep="${champions.join(" ")}">
          ${model.actions.includes("rollback") ? rollbackForms(view) : nothing}
          ${model.actions.includes("break-glass") ? breakGlassForm(view) : nothing}
        </div>
      </aside>
    </div>`;
}

const waitingWords = {
  definition: "A change of the definition waits to be decided on; until then the one below is in force.",
  retirement: "Somebody asked to retire this model; until that is decided it goes on as it is.",
};

function waitingAt({ gate, about, deadline }: ModelView["waiting"][number]): Html {
  return html`<div class="card callout wait" role="status">
    <p>${waitingWords[about]}</p>
    <p><a class="button main" href="${paths.gate(gate)}">Open ${gate}</a> <small>until ${moment(deadline)}</small></p>
  </div>`;
}

function retiredLine({ retired }: ModelView): Html {
  if (retired === null) return nothing;
  const { at, by, reason, gate } = retired;
  return html`<p>
    Retired ${moment(at)}, asked for by ${by}${gate === null ? nothing : html`, approved at ${gateLink(gate)}`}: ${reason}
  </p>`;
}

function slot({ state }: ModelView, { environment, champion, epoch, lapsed }: ModelView["slots"][number]): Html {
  return html`<p>
      <strong>${environment}</strong>
      ${champion === null ? (epoch === 0 ? "has no champion yet." : "serves nothing; its champion was taken out of service.") : html`<a href="${paths.version(champion.version)}">${champion.version}</a> serves since ${moment(champion.since)} <small>epoch ${epoch}</small>`}
    </p>
    ${lapsed === null || state === "retired" ? nothing : html`<p class="callout bad" role="status">The approval of <a href="${paths.version(lapsed.version)}">${lapsed.version}</a> lapsed ${moment(lapsed.at)}. ${lapsed.why} ${champion === null ? "Nothing serves here until another version is approved." : `${champion.version} serves in its place.`}</p>`}`;
}

export function releaseTable(releases: ReleaseItemView[]): Html {
  if (releases.length === 0) return html`<p>None.</p>`;
  return html`<table class="list">
    <thead>
      <tr>
        <th scope="col">Release</th>
        <th scope="col">State</th>
        <th scope="col">Requested</th>
        <th scope="col">What about it</th>
      </tr>
    </thead>
    <tbody>
      ${releases.map(
        (one) =>
          html`<tr>
            <th scope="row">${releaseLink(one.id)}</th>
            <td data-label="State">
              ${badge(one.outcome ?? one.state)} ${one.state === "running" && one.stage !== null ? one.stage : ""}
            </td>
            <td data-label="Requested">${moment(one.createdAt)} by ${one.requestedBy}</td>
            <td>${one.blocked?.message ?? one.waitsFor ?? one.reason}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function requestForm({ model, csrf, key, kept }: ModelPage): Html {
  return html`<details class="card" ${kept["form"] === "release" ? html` open` : nothing}>
    <summary>Request a release</summary>
    <form method="post" action="${paths.model(model.model)}/releases" data-once>
      ${guards({ csrf, key: `${key}-release` })}
      <label class="field" for="release-reason"
        ><span>Reason</span
        ><input
          id="release-reason"
          name="reason"
          required
          minlength="3"
          maxlength="2000"
          value="${kept["reason"] ?? ""}"
          autocomplete="off"
      /></label>
      <details>
        <summary>Change something for this release alone</summary>
        ${parameterFields("release", kept)}
      </details>
      <button class="main" type="submit">Request release</button>
    </form>
  </details>`;
}

/** One form a slot that has a champion; a box must be ticked, as traffic moves at once. */
function rollbackForms({ model, versions, csrf, key }: ModelPage): Html {
  return html`${model.slots.map(({ environment, champion }) => {
    if (champion === null) return nothing;
    const targets = versions.filter(
      (one) =>
        one.id !== champion.version &&
        one.approvals.some((approval) => approval.environment === environment && approval.revokedAt === null),
    );
    return html`<details class="card">
      <summary>Roll back ${environment}</summary>
      ${
        targets.length === 0
          ? html`<p>There is no other approved version to go back to.</p>`
          : html`<form method="post" action="${paths.model(model.model)}/rollback" data-once>
              ${guards({ csrf, key: `${key}-${environment}` })}<input type="hidden" name="environment" value="${environment}" />
              <label class="field" for="to-${environment}"
                ><span>To</span
                ><select id="to-${environment}" name="to">
                  <option value="">the champion before ${champion.version}</option>
                  ${targets.map((one) => html`<option>${one.id}</option>`)}
                </select></label
              >
              <label class="field" for="rollback-${environment}"
                ><span>Reason</span
                ><input id="rollback-${environment}" name="reason" required minlength="3" maxlength="2000" autocomplete="off"
              /></label>
              <label class="tick"
                ><input type="checkbox" name="confirm" value="yes" required /> Move all traffic of ${environment} away from
                ${champion.version} now</label
              >
              <button class="danger" type="submit">Roll back</button>
            </form>`
      }
    </details>`;
  })}`;
}
