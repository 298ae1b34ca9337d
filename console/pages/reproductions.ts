import { html } from "hono/html";
import type { ReproductionView, VersionView } from "../../domain/http/model-views.ts";
import { digestPattern } from "../../domain/ids.ts";
import { effectInWords, reproductionInWords } from "../../domain/reproduction-text.ts";
import { badge, digest, guards, moment, nothing, paths, took } from "../markup.ts";
import type { Html } from "../markup.ts";

export interface ReproductionsCard {
  version: VersionView;
  csrf: string;
  key: string;
  receipt: Html;
}

/** Whether a second training gave the same bytes, and where not, what differs and what that means. */
export function reproductionsCard({ version, csrf, key, receipt }: ReproductionsCard): Html {
  const { reproductions, actions, trainer } = version;
  const running = reproductions.some(({ state }) => state === "running");
  return html`<section class="card" id="reproductions" data-part aria-labelledby="reproductions-title">
    <h2 id="reproductions-title">Trained a second time</h2>
    ${receipt}
    ${
      trainer.name === "import"
        ? html`<p>It was trained elsewhere: nothing here can train it again.</p>`
        : reproductions.length === 0
          ? html`<p>Not yet. Whether the same data, code, parameters and seed give the same bytes again is not known.</p>`
          : html`<ul class="plain-list">
              ${reproductions.map(reproductionItem)}
            </ul>`
    }
    ${
      actions.includes("reproduce") && !running
        ? html`<form method="post" action="${paths.version(version.id)}/reproductions" data-once>
            ${guards({ csrf, key })}
            <p class="note">It trains from what is on record, compares byte by byte, and changes nothing that serves.</p>
            <p class="buttons"><button type="submit">Train it again and compare</button></p>
          </form>`
        : nothing
    }
  </section>`;
}

const badges: Record<ReproductionView["state"], [string, string]> = {
  running: ["running", "running"],
  same: ["pass", "same bytes"],
  other: ["warn", "other bytes"],
  failed: ["failed", "not trained"],
  lost: ["failed", "lost"],
};

function valueOf(value: string | null): Html | string {
  if (value === null) return "none";
  return digestPattern.test(value) ? digest(value) : value;
}

function reproductionItem(one: ReproductionView): Html {
  const [tone, text] = badges[one.state];
  return html`<li>
    ${badge(tone, text)} ${moment(one.at)}, asked for by
    ${one.requestedBy}${one.state === "lost" ? nothing : html` · ${took(one.at, one.endedAt)}`}
    <p>${reproductionInWords(one)} ${one.digest === null ? nothing : digest(one.digest)}</p>
    ${
      one.effects.length === 0
        ? nothing
        : html`<ul>
            ${one.effects.map((effect) => html`<li>${effectInWords(effect)}</li>`)}
          </ul>`
    }
    ${
      one.differs.length === 0
        ? nothing
        : html`<details>
            <summary>What differs: ${one.differs.length}</summary>
            <table class="list">
              <thead>
                <tr>
                  <th scope="col">What</th>
                  <th scope="col">On record</th>
                  <th scope="col">Now</th>
                </tr>
              </thead>
              <tbody>
                ${one.differs.map(
                  ({ what, recorded, now }) =>
                    html`<tr>
                      <td>${what}</td>
                      <td>${valueOf(recorded)}</td>
                      <td>${valueOf(now)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </details>`
    }
  </li>`;
}
