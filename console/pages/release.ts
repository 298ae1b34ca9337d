import { html } from "hono/html";
import type { ReleaseView } from "../../domain/http/release-views.ts";
import { badge, digest, facts, gateLink, guards, moment, nothing, paths, releaseLink, temporalLink, took } from "../markup.ts";
import type { Html } from "../markup.ts";
import { crumbs } from "./layout.ts";
import { parameterFields, parametersInWords } from "./parameters.ts";

export interface ReleasePage {
  release: ReleaseView;
  csrf: string;
  key: string;
  receipt: Html;
  kept: Record<string, string>;
}

export function releasePage(view: ReleasePage): Html {
  const { release, receipt } = view;
  return html`${crumbs([{ href: paths.model(release.model), text: release.model }], release.id)}
    <header class="title" id="release-title" data-part>
      <h1>${release.id} ${badge(release.outcome ?? release.state)}</h1>
      <p class="sub">${release.waitsFor ?? release.reason}</p>
    </header>
    ${receipt}
    <div class="split">
      <div>
        <section id="gates" data-part>${openGates(release)}</section>
        <section
          id="blocked"
          data-part
          data-keep="${release.blocked === null ? "" : `${release.blocked.stage} ${release.blocked.code} ${release.actions.join()}`}"
        >
          ${blockedPanel(view)}
        </section>
        <section class="card" aria-labelledby="stages-title">
          <h2 id="stages-title">Stages</h2>
          <ol class="stages" id="stages" data-part>
            ${release.stages.map((stage) => stageItem(release, stage))}
          </ol>
        </section>
      </div>
      <aside>
        <section class="card" id="facts" data-part aria-labelledby="facts-title">
          <h2 id="facts-title">About it</h2>
          ${about(release)}
        </section>
        <section id="withdraw" data-part data-keep="${release.actions.includes("withdraw")}">${withdrawForm(view)}</section>
      </aside>
    </div>`;
}

function stageItem({ id, gates }: ReleaseView, stage: ReleaseView["stages"][number]): Html {
  const attempts = stage.attempts > 1 ? html` <small>${stage.attempts} attempts</small>` : nothing;
  const words = stage.hasLog ? "log" : stage.stage === "train" && stage.state === "running" ? "log so far" : null;
  const log = words === null ? nothing : html` <a class="log" href="${paths.release(id)}/logs?stage=${stage.stage}">${words}</a>`;
  // The promotion gate stands between evaluation and deployment.
  const gate =
    stage.stage === "deploy"
      ? gates.map(
          (one) =>
            html`<li class="gate ${one.state}">
              <span class="dot"></span>
              <div>
                <p><strong>${one.name} gate</strong> ${badge(one.resolution ?? one.state)} ${gateLink(one.id)}</p>
              </div>
            </li>`,
        )
      : [];
  return html`${gate}
    <li class="${stage.state}">
      <span class="dot"></span>
      <div>
        <p><strong>${stage.stage}</strong> ${badge(stage.state)} ${took(stage.startedAt, stage.endedAt)}${attempts}${log}</p>
        ${stage.summary === null ? nothing : html`<p class="summary">${stage.summary}</p>`}
      </div>
    </li>`;
}

function openGates({ gates }: ReleaseView): Html {
  return html`${gates
    .filter((gate) => gate.state === "open")
    .map(
      (gate) =>
        html`<div class="card callout wait">
          <h2>A person must decide</h2>
          <p>The ${gate.name} gate waits until ${moment(gate.deadline)}.</p>
          <p><a class="button main" href="${paths.gate(gate.id)}">Open review</a></p>
        </div>`,
    )}`;
}

function blockedPanel({ release, csrf, key, kept }: ReleasePage): Html {
  const { blocked, actions, id } = release;
  if (blocked === null) return nothing;
  const offer = {
    retry: actions.includes("retry"),
    skip: actions.includes("skip") && blocked.skippable,
    abandon: actions.includes("abandon"),
  };
  const button = (action: "retry" | "skip" | "abandon", text: string, kind = "") =>
    offer[action] ? html`<button class="${kind}" type="submit" name="action" value="${action}">${text}</button>` : nothing;
  return html`<div class="card callout bad" aria-labelledby="blocked-title">
    <h2 id="blocked-title">Blocked at ${blocked.stage}</h2>
    <p class="lead">${blocked.message}</p>
    <p>${blocked.cure}</p>
    ${
      blocked.faults.length === 0
        ? nothing
        : html`<ul>
            ${blocked.faults.map((fault) => html`<li>${fault.path}: ${fault.message}</li>`)}
          </ul>`
    }
    ${
      blocked.logTail === null
        ? nothing
        : html`<details open>
            <summary>The end of the log</summary>
            <pre tabindex="0">${blocked.logTail}</pre>
          </details>`
    }
    ${
      offer.retry || offer.skip || offer.abandon
        ? html`<form method="post" action="${paths.release(id)}/unblock" data-once>
            ${guards({ csrf, key })}
            <label class="field" for="unblock-reason"
              ><span>Reason <small>(kept on record)</small></span
              ><input
                id="unblock-reason"
                name="reason"
                required
                minlength="3"
                maxlength="2000"
                value="${kept["reason"] ?? ""}"
                autocomplete="off"
            /></label>
            ${
              offer.retry
                ? html`<details>
                    <summary>Retry with other parameters</summary>
                    <p class="note">Who changes parameters contributed to the release, and does not decide on its gates.</p>
                    ${parameterFields("retry", kept)}
                  </details>`
                : nothing
            }
            <p class="buttons">
              ${button("retry", "Retry", "main")} ${button("skip", `Skip ${blocked.stage}`)}
              ${button("abandon", "Abandon the release", "danger")}
            </p>
          </form>`
        : html`<p class="note">You may read this; engineers and operators decide what next.</p>`
    }
  </div>`;
}

function about(release: ReleaseView): Html {
  return html`${facts([
      ["Requested", html`${moment(release.createdAt)} by ${release.requestedBy} (${release.trigger})`],
      ["Why", release.reason],
      ["Changed", parametersInWords(release.parameters)],
      ["Ended", release.endedAt === null ? null : moment(release.endedAt)],
      ["After", release.parent === null ? null : html`${releaseLink(release.parent)}, whose reviewers asked for changes`],
      ["Continued by", release.next === null ? null : releaseLink(release.next)],
      ["Version", release.version === null ? null : html`<a href="${paths.version(release.version)}">${release.version}</a>`],
      ["Policy", `${release.policy.id}, version ${release.policy.version}`],
      ["Definition", digest(release.definitionDigest)],
      [
        "Contributed",
        release.contributors.length === 0
          ? null
          : html`${release.contributors.map((one) => html`<span class="line">${one.principal} ${one.how}</span>`)}`,
      ],
    ])}
    <p>${temporalLink(release.links.temporal, "The same run in Temporal")}</p>`;
}

function withdrawForm({ release, csrf, key }: ReleasePage): Html {
  if (!release.actions.includes("withdraw")) return nothing;
  return html`<details class="card">
    <summary>Withdraw this release</summary>
    <form method="post" action="${paths.release(release.id)}/withdraw" data-once>
      ${guards({ csrf, key: `${key}-withdraw` })}
      <label class="field" for="withdraw-reason"
        ><span>Reason</span><input id="withdraw-reason" name="reason" required minlength="3" maxlength="2000" autocomplete="off"
      /></label>
      <button class="danger" type="submit">Withdraw</button>
    </form>
  </details>`;
}
