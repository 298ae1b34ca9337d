import { html } from "hono/html";
import type { Explanation, FeatureEffect } from "../../domain/evaluation-detail.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import {
  changeInWords,
  countInWords,
  leftOutInWords,
  metricInSentence,
  metricInWords,
  pInWords,
  shareInWords,
} from "../../domain/wording.ts";
import { chartFigure, type Drawn } from "../figures/figure.ts";
import { nothing } from "../markup.ts";
import type { Html } from "../markup.ts";

const featuresShown = 10;

/** What it goes by, and whether it holds when the input or the time is another. */
export function behaviourSections(evaluation: Evaluation, drawn: Drawn): Html {
  return html`${reasonsSection(evaluation, drawn)} ${firmnessSection(evaluation, drawn)}`;
}

function reasonsSection({ explanation = null, importance = null }: Evaluation, drawn: Drawn): Html {
  if (explanation === null && importance === null) return nothing;
  return html`<section class="card" aria-labelledby="reasons">
    <h2 id="reasons">What it goes by</h2>
    ${explanation === null ? nothing : explanationPart(explanation)} ${chartFigure(drawn, "importance")}
    ${
      importance === null
        ? nothing
        : html`<details>
            <summary>What ${metricInSentence(importance.metric)} loses when a feature is shuffled</summary>
            <table class="small">
              <thead>
                <tr>
                  <th scope="col">Feature</th>
                  <th scope="col">Loss</th>
                </tr>
              </thead>
              <tbody>
                ${importance.features.map(
                  ({ feature, drop }) =>
                    html`<tr>
                      <th scope="row">${feature}</th>
                      <td>
                        ${changeInWords(drop.value)} <small>${changeInWords(drop.low)} to ${changeInWords(drop.high)}</small>
                      </td>
                    </tr>`,
                )}
              </tbody>
            </table>
            <p class="note">
              Permutation importance on ${countInWords(importance.rows)} held-out rows, ${importance.repeats} times each.
            </p>
          </details>`
    }
  </section>`;
}

const units = { "log-odds": "log-odds", value: "the predicted value", probability: "probability" };

function explanationPart(explanation: Explanation): Html {
  if (explanation.method === "none") return html`<p>${explanation.why}</p>`;
  const { features, examples, rows, backgroundRows, unit, method } = explanation;
  return html`<p>
      Exact SHAP values (${method === "tree-shap" ? "trees" : "linear"}), in ${units[unit]}, of ${countInWords(rows)} held-out
      rows against ${countInWords(backgroundRows)} training rows: how far each feature moves the answer from what it is on
      average.
    </p>
    <ul class="effects">
      ${features.slice(0, featuresShown).map(featureLine)}
    </ul>
    ${
      examples.length === 0
        ? nothing
        : html`<details>
            <summary>Why single rows came out as they did</summary>
            ${examples.map(
              ({ what, prediction, contributions }) =>
                html`<h3>The ${what}: ${metricInWords(prediction)}</h3>
                  <ul>
                    ${contributions.map(({ feature, value, effect }) => html`<li>${feature} = ${value}: ${changeInWords(effect)}</li>`)}
                  </ul>`,
            )}
          </details>`
    }`;
}

/** The feature, how strong it is, and which of its values push up and down most. */
function featureLine({ feature, meanAbsolute, effects }: FeatureEffect): Html {
  const sorted = effects.toSorted((a, b) => b.effect - a.effect);
  const [up, down] = [sorted[0], sorted.at(-1)];
  const pushes =
    up === undefined || down === undefined || up === down
      ? ""
      : `: up by ${metricInWords(up.effect)} where ${up.value}, ${down.effect < 0 ? "down" : "up"} by ${metricInWords(Math.abs(down.effect))} where ${down.value}`;
  return html`<li><strong>${feature}</strong> ${metricInWords(meanAbsolute)}${pushes}</li>`;
}

function firmnessSection({ robustness = null, stability = null, task }: Evaluation, drawn: Drawn): Html {
  if (robustness === null && stability === null) return nothing;
  const moved = task === "regression" ? "Predictions move (in standard deviations)" : "Decisions that flip";
  return html`<section class="card" aria-labelledby="firmness">
    <h2 id="firmness">Whether it holds</h2>
    ${
      robustness === null
        ? nothing
        : html`<table class="metrics">
            <caption>
              When the input is not what it was (${countInWords(robustness.rows)} rows, ${metricInSentence(robustness.metric)}
              ${metricInWords(robustness.value)} as it is)
            </caption>
            <thead>
              <tr>
                <th scope="col">Input</th>
                <th scope="col">Then</th>
                <th scope="col">Change</th>
                <th scope="col">${moved}</th>
              </tr>
            </thead>
            <tbody>
              ${robustness.cases.map(
                (one) =>
                  html`<tr>
                    <th scope="row">${one.name}</th>
                    <td data-label="Then">${one.fault ?? (one.value === null ? "–" : metricInWords(one.value))}</td>
                    <td data-label="Change">${one.change === null ? "–" : changeInWords(one.change)}</td>
                    <td data-label="${moved}">
                      ${one.flips === null ? "–" : task === "regression" ? metricInWords(one.flips) : shareInWords(one.flips)}
                    </td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }
    ${stability === null ? nothing : stabilityPart(stability)} ${chartFigure(drawn, "stability")}
  </section>`;
}

function stabilityPart({ metric, by, windows, test, leftOut = [] }: NonNullable<Evaluation["stability"]>): Html {
  const told =
    test === null
      ? "Too few of them tell the metric to say whether they differ."
      : test.p < 0.05
        ? `They differ by more than chance (Cochran's Q, ${pInWords(test.p)}).`
        : `They differ by no more than chance (Cochran's Q, ${pInWords(test.p)}).`;
  const day = (moment: string) => moment.slice(0, 10);
  return html`<h3>Over time</h3>
    <p>${windows.length} windows of the held-out rows by ${by}. ${told}${leftOutInWords(leftOut)}</p>
    <details>
      <summary>The windows</summary>
      <table class="small">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Rows</th>
            <th scope="col">${metricInSentence(metric)}</th>
          </tr>
        </thead>
        <tbody>
          ${windows.map(
            (window) =>
              html`<tr>
                <td>${day(window.from)}</td>
                <td>${day(window.to)}</td>
                <td>${countInWords(window.rows)}</td>
                <td>
                  ${window.value === null ? "too few to say" : html`${metricInWords(window.value.value)} <small>${metricInWords(window.value.low)} to ${metricInWords(window.value.high)}</small>`}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </details>`;
}
