import { html } from "hono/html";
import type { VersionView } from "../../domain/http/model-views.ts";
import type { AuditRecordView, AuditVerificationView } from "../../domain/http/record-views.ts";
import type { ReleaseItemView } from "../../domain/http/release-views.ts";
import { releaseStates } from "../../domain/lifecycle.ts";
import { metricInWords, metricTitles } from "../../domain/wording.ts";
import { badge, digest, facts, gateLink, moment, nothing, paths, releaseLink } from "../markup.ts";
import type { Html } from "../markup.ts";
import { crumbs } from "./layout.ts";
import { releaseTable } from "./model.ts";

export function releasesPage(releases: ReleaseItemView[], { state, next }: { state: string | null; next: string | null }): Html {
  const filter = (value: string | null, text: string) =>
    html`<li>
      <a
        href="${paths.releases()}${value === null ? "" : `?state=${value}`}"
        ${value === state ? html` aria-current="true"` : nothing}
        >${text}</a
      >
    </li>`;
  return html`<header class="title"><h1>Releases</h1></header>
    <nav aria-label="Filter">
      <ul class="filter">
        ${filter(null, "all")}${releaseStates.map((one) => filter(one, one))}
      </ul>
    </nav>
    <section class="card" id="releases" data-part>${releaseTable(releases)}${more(paths.releases(), { state, next })}</section>`;
}

function more(path: string, { next, ...filter }: Record<string, string | null> & { next: string | null }): Html {
  if (next === null) return nothing;
  const kept = Object.entries(filter).flatMap(([name, value]) => (value === null ? [] : [[name, value] as [string, string]]));
  return html`<p><a href="${path}?${new URLSearchParams([...kept, ["after", next]]).toString()}">Older</a></p>`;
}

export interface AuditPage {
  records: AuditRecordView[];
  filter: { model: string | null; actor: string | null; kind: string | null; subject: string | null };
  next: string | null;
  verification: AuditVerificationView | null;
}

export function auditPage({ records, filter, next, verification }: AuditPage): Html {
  const field = (name: keyof AuditPage["filter"], label: string) =>
    html`<label class="field" for="filter-${name}"
      ><span>${label}</span><input id="filter-${name}" name="${name}" value="${filter[name] ?? ""}" autocomplete="off"
    /></label>`;
  return html`<header class="title">
      <h1>Audit</h1>
      <p class="sub">Every change and every attempt, each record bound to the one before it.</p>
    </header>
    <form class="card filters" method="get" action="${paths.audit()}">
      ${field("model", "Model")}${field("actor", "Who")}${field("subject", "About")}${field("kind", "Kind")}<button type="submit">
        Show
      </button>
      <button type="submit" name="verify" value="yes">Verify the chain</button>
    </form>
    ${verification === null ? nothing : html`<p class="card callout ${verification.intact ? "good" : "bad"}" role="status">${verification.intact ? `The chain is intact: ${verification.records} records, up to number ${verification.head.seq}.` : `The chain is broken${verification.fault === null ? "" : ` at record ${verification.fault.seq}: ${verification.fault.why}`}.`} ${verification.limits}</p>`}
    <section class="card">
      <table class="list audit">
        <thead>
          <tr>
            <th scope="col">No.</th>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">About</th>
          </tr>
        </thead>
        <tbody>
          ${records.map(
            (one) =>
              html`<tr>
                <td>${one.seq}</td>
                <td data-label="When">${moment(one.at)}</td>
                <td data-label="Who">${one.actor}</td>
                <td data-label="What">
                  <details>
                    <summary>${one.kind}</summary>
                    <pre>${JSON.stringify(one.data, null, 2)}</pre>
                    <p class="note">${digest(one.hash)} after ${digest(one.prev)}</p>
                  </details>
                </td>
                <td data-label="About">${one.subject}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${records.length === 0 ? html`<p>No record fits.</p>` : nothing}${more(paths.audit(), { ...filter, next })}
    </section>`;
}

function approvedBy({ kind, gate, by, policy }: VersionView["approvals"][number]): Html | string {
  if (kind === "break-glass") return html`${badge("warn", "break-glass")} by ${by.join(", ")}, past the gates`;
  return gate === null ? `by the policy ${policy.id}, which asks nobody` : html`by ${by.join(", ")} at ${gateLink(gate)}`;
}

export function versionPage(version: VersionView, reproductions: Html): Html {
  return html`${crumbs([{ href: paths.model(version.model), text: version.model }], version.id)}
    <header class="title">
      <h1>Version ${version.id}</h1>
      <p class="sub">${version.aliases.join(", ") || "serves nowhere"}</p>
    </header>
    <div class="split">
      <div>
        <section class="card" aria-labelledby="served">
          <h2 id="served">Where and when it served</h2>
          ${
            version.served.length === 0
              ? html`<p>Never.</p>`
              : html`<ul class="plain-list">
                  ${version.served.map((one) => html`<li><strong>${one.environment}</strong> ${one.kind === "rollback" ? "by a roll back" : "by promotion"} of ${one.by}, from ${moment(one.from)} ${one.until === null ? "until now" : html`until ${moment(one.until)}`} <small>epoch ${one.epoch}</small></li>`)}
                </ul>`
          }
        </section>
        <section class="card" aria-labelledby="approvals">
          <h2 id="approvals">Approvals</h2>
          ${
            version.approvals.length === 0
              ? html`<p>None.</p>`
              : html`<ul class="plain-list">
                  ${version.approvals.map((one) => html`<li><strong>${one.environment}</strong> ${approvedBy(one)}, ${moment(one.at)} ${one.revokedAt === null ? nothing : html`${badge("fail", "lapsed")} ${moment(one.revokedAt)} ${one.revokedWhy}`}</li>`)}
                </ul>`
          }
        </section>
        <section class="card" aria-labelledby="metrics">
          <h2 id="metrics">Metrics on its holdout</h2>
          ${facts(version.metrics.map((row) => [metricTitles[row.metric], `${metricInWords(row.candidate.value)} (${metricInWords(row.candidate.low)} to ${metricInWords(row.candidate.high)})`]))}
        </section>
        ${reproductions}
      </div>
      <aside>
        <section class="card" aria-labelledby="made">
          <h2 id="made">What it is made of</h2>
          ${facts([
            ["Release", releaseLink(version.release)],
            ["Version", digest(version.digest)],
            ...Object.entries(version.digests).map(([name, value]): [string, Html | null] => [
              name,
              value === null ? null : digest(value),
            ]),
            ["Trainer", `${version.trainer.name}, seed ${version.trainer.seed}`],
            ["Threshold", String(version.threshold)],
            ["Made", moment(version.createdAt)],
          ])}
        </section>
      </aside>
    </div>`;
}
