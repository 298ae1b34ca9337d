import { html } from "hono/html";
import { higherIsBetter, metricsOf } from "../../domain/evidence.ts";
import type { Estimate, Evaluation, MetricRow, PairedTest } from "../../domain/evidence.ts";
import { changeInWords, countInWords, metricInWords, metricTitles, pInWords, shareInWords } from "../../domain/wording.ts";
import { calibrationChart } from "../figures/calibration.ts";
import { chartFigure, type Drawn } from "../figures/figure.ts";
import { intervalChart } from "../figures/interval.ts";
import { badge, nothing } from "../markup.ts";
import type { Html } from "../markup.ts";
import { behaviourSections } from "./evaluation-behaviour.ts";
import { costsPart } from "./evaluation-costs.ts";
import { groupSections } from "./evaluation-groups.ts";

/** What the evaluation found, what matters most first. Evaluations of before lack parts, and their sections with them. */
export function evaluationSections(evaluation: Evaluation, gate: string): Html {
  const drawn: Drawn = { gate, charts: evaluation.charts ?? [] };
  return html`${metricsSection(evaluation, drawn)} ${groupSections(evaluation, drawn)} ${decisionsSection(evaluation, drawn)}
  ${behaviourSections(evaluation, drawn)}`;
}

/** Shown at once; the others on demand, unless the definition has a threshold for them. */
const shownAtOnce = 4;

function metricsSection(evaluation: Evaluation, drawn: Drawn): Html {
  const { rows, baseRate, bootstrapRounds, championVersion, metrics, notes = [], baseline = null, label } = evaluation;
  const first = metricsOf[evaluation.task ?? "binary"].slice(0, shownAtOnce);
  const main = metrics.filter(({ metric, threshold }) => threshold !== null || first.includes(metric));
  const others = metrics.filter((row) => !main.includes(row));
  const against =
    championVersion === null
      ? "There is no champion to compare with: this would be the first."
      : `Compared with ${championVersion} on the same rows.`;
  return html`<section class="card" aria-labelledby="metrics">
    <h2 id="metrics">How good it is</h2>
    <p>
      On ${countInWords(rows)} rows held
      out${baseRate === null ? "" : `, of which ${shareInWords(baseRate)} are positive${label === undefined ? "" : ` (${label})`}`}.
      ${against} Intervals hold 95 %, from ${bootstrapRounds} resamples.
    </p>
    ${
      notes.length === 0
        ? nothing
        : html`<ul class="notes">
            ${notes.map((note) => html`<li>${note}</li>`)}
          </ul>`
    }
    ${metricTable(main)}
    <p class="legend">
      <span class="key value"></span> candidate <span class="key range"></span> its interval
      <span class="key champion"></span> champion <span class="key limit"></span> threshold; better is to the right
    </p>
    ${baseline === null ? nothing : html`<p>${baseline.sentence}</p>`}
    ${
      others.length === 0
        ? nothing
        : html`<details>
            <summary>${others.length} more metrics</summary>
            ${metricTable(others)}
          </details>`
    }
    ${chartFigure(drawn, "metric-change")}
  </section>`;
}

function metricTable(rows: MetricRow[]): Html {
  const withBaseline = rows.some(({ baseline }) => baseline !== undefined && baseline !== null);
  return html`<table class="metrics">
    <thead>
      <tr>
        <th scope="col">Metric</th>
        <th scope="col">Candidate</th>
        <th scope="col">Champion</th>
        <th scope="col">Change</th>
        ${withBaseline ? html`<th scope="col">Simple baseline</th>` : nothing}
        <th scope="col">Wanted</th>
        <th scope="col">At a glance</th>
        <th scope="col">Verdict</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map((row) => metricRow(row, withBaseline))}
    </tbody>
  </table>`;
}

function metricRow(row: MetricRow, withBaseline: boolean): Html {
  const { metric, candidate, champion, change, threshold, verdict, test = null, baseline = null } = row;
  return html`<tr>
    <th scope="row">${metricTitles[metric]}</th>
    <td data-label="Candidate"><strong>${metricInWords(candidate.value)}</strong> ${range(candidate)}</td>
    <td data-label="Champion">${champion === null ? "–" : html`${metricInWords(champion.value)} ${range(champion)}`}</td>
    <td data-label="Change">${change === null ? "–" : html`${changeInWords(change.value)} ${changeRange(change, test)}`}</td>
    ${withBaseline ? html`<td data-label="Simple baseline">${baseline === null ? "–" : html`${metricInWords(baseline.value)} ${row.overBaseline ? changeRange(row.overBaseline, row.baselineTest ?? null) : nothing}`}</td>` : nothing}
    <td data-label="Wanted">
      ${threshold === null ? "–" : html`${higherIsBetter[metric] ? "≥" : "≤"} ${threshold.pass} ${marginOf(row)}`}
    </td>
    <td class="glance">${intervalChart(row)}</td>
    <td data-label="Verdict">
      ${threshold === null ? html`<small>no limit</small>` : badge(verdict)}
      ${row.settled === false ? html`<small>not settled by these rows</small>` : nothing}
    </td>
  </tr>`;
}

function range({ low, high }: Estimate): Html {
  return html`<small>${metricInWords(low)} to ${metricInWords(high)}</small>`;
}

function changeRange({ low, high }: Estimate, test: PairedTest | null): Html {
  const said = test === null ? "" : `, ${pInWords(test.p)}${test.method === "delong" ? " (DeLong)" : ""}`;
  return html`<small>${changeInWords(low)} to ${changeInWords(high)}${said}</small>`;
}

function marginOf({ margin }: MetricRow): Html {
  if (margin === undefined || margin === null) return nothing;
  return html`<small>${margin >= 0 ? "by" : "short by"} ${metricInWords(Math.abs(margin))}</small>`;
}

function decisionsSection(evaluation: Evaluation, drawn: Drawn): Html {
  const { rows, flips, confusion, calibration, brierParts = null } = evaluation;
  const change =
    flips === null
      ? evaluation.task === "regression"
        ? nothing
        : html`<p>No champion serves yet, so no decision would change.</p>`
      : html`<p class="figure">
          <strong>${shareInWords(flips.share)}</strong> of the decisions on the held-out rows would change
          (${countInWords(flips.rows)} of ${countInWords(rows)}).
        </p>`;
  return html`<section class="card" aria-labelledby="calibration">
    <h2 id="calibration">What it would do</h2>
    <div class="pair">
      ${calibrationChart(calibration, evaluation.task === "regression")}
      <div>${change} ${confusion === null ? nothing : confusionTable(confusion)} ${costsPart(evaluation)}</div>
    </div>
    ${brierParts === null ? nothing : html`<p class="note">Of the Brier score, miscalibration is ${metricInWords(brierParts.reliability)}; telling rows apart takes ${metricInWords(brierParts.resolution)} off the ${metricInWords(brierParts.uncertainty)} that knowing nothing would cost.</p>`}
    <div class="pictures">${chartFigure(drawn, "roc")} ${chartFigure(drawn, "scores")} ${chartFigure(drawn, "costs")}</div>
  </section>`;
}

function confusionTable({
  truePositive,
  falsePositive,
  trueNegative,
  falseNegative,
}: NonNullable<Evaluation["confusion"]>): Html {
  return html`<table class="confusion small">
    <caption>
      At the deployment threshold
    </caption>
    <thead>
      <tr>
        <td></td>
        <th scope="col">Said positive</th>
        <th scope="col">Said negative</th>
      </tr>
    </thead>
    <tbody>
      <tr>
        <th scope="row">Was positive</th>
        <td>${countInWords(truePositive)}</td>
        <td>${countInWords(falseNegative)}</td>
      </tr>
      <tr>
        <th scope="row">Was negative</th>
        <td>${countInWords(falsePositive)}</td>
        <td>${countInWords(trueNegative)}</td>
      </tr>
    </tbody>
  </table>`;
}
