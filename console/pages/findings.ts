import { html } from "hono/html";
import type { FindingView } from "../../domain/http/gate-views.ts";
import { badge, gateLink, guards, moment, nothing, paths } from "../markup.ts";
import type { Html } from "../markup.ts";

/** A finding that is open, and whether the reader is one of those who close it. */
export interface OpenFinding {
  finding: FindingView;
  mayClose: boolean;
}

/** What somebody must answer about a model, and a form for those who may. */
export function findingsSection(open: OpenFinding[], form: { model: string; csrf: string; key: string }): Html {
  if (open.length === 0) return nothing;
  return html`<section class="card" aria-labelledby="findings-title">
    <h2 id="findings-title">Waits for an answer</h2>
    <ul class="plain-list">
      ${open.map(
        ({ finding, mayClose }) =>
          html`<li id="${finding.id}">
            ${badge("warn", finding.kind)} ${finding.title}<br /><small
              ><code>${finding.id}</code
              >${finding.version === null ? nothing : html` about <a href="${paths.version(finding.version)}">${finding.version}</a>`},
              since ${moment(finding.openedAt)}${finding.gate === null ? nothing : html`, from ${gateLink(finding.gate)}`}</small
            >
            ${mayClose ? closeForm(finding, form) : nothing}
          </li>`,
      )}
    </ul>
  </section>`;
}

function closeForm({ id }: FindingView, { model, csrf, key }: { model: string; csrf: string; key: string }): Html {
  return html`<details>
    <summary>Close it</summary>
    <form method="post" action="${paths.model(model)}/findings" data-once>
      ${guards({ csrf, key: `${key}-${id}` })}<input type="hidden" name="finding" value="${id}" />
      <label class="field" for="answer-${id}"
        ><span>What was done about it</span
        ><input id="answer-${id}" name="reason" required minlength="3" maxlength="2000" autocomplete="off"
      /></label>
      <button type="submit">Close the finding</button>
    </form>
  </details>`;
}
