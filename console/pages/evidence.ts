import { html } from "hono/html";
import { higherIsBetter } from "../../domain/evidence.ts";
import type { Evaluation, MetricRow } from "../../domain/evidence.ts";
import type { GateView } from "../../domain/http/gate-views.ts";
import { changeInWords, countInWords, durationInWords, metricInWords, metricTitles, shareInWords } from "../../domain/wording.ts";
import { calibrationChart } from "../charts/calibration.ts";
import { intervalChart } from "../charts/interval.ts";
import { badge, digest, facts, gateLink, moment, nothing, releaseLink } from "../markup.ts";
import type { Html } from "../markup.ts";
import { parametersInWords } from "./parameters.ts";

type Evidence = GateView["request"]["evidence"];

/** All that was frozen for the approver. Its markup is what is digested as "seen": it holds nothing that changes. */
export function evidenceSections(gate: GateView): Html {
  const { evidence } = gate.request;
  const evaluation = evidence.evaluationBody;
  return html`<section class="card verdict ${evidence.recommendation.verdict}" aria-labelledby="recommendation">
      <h2 id="recommendation">Recommendation</h2>
      <p class="lead">${badge(evidence.recommendation.verdict)} ${evidence.recommendation.sentence}</p>
      <p class="note">A recommendation never acts by itself.</p>
    </section>
    ${evaluation === null ? nothing : evaluationSections(evaluation)}
    <section class="card" aria-labelledby="work">
      <h2 id="work">How it was made</h2>
      ${evidence.parentRequest === null ? nothing : html`<p>Reviewers of ${evidence.parent === null ? "the release before" : releaseLink(evidence.parent)} had asked: <q>${evidence.parentRequest}</q></p>`}
      <ol class="made">
        ${evidence.stages.map(({ stage, summary }) => html`<li><strong>${stage}</strong> ${summary}</li>`)}
      </ol>
      ${circumstances(evidence, gate)}
    </section>
    <section class="card" aria-labelledby="lineage">
      <h2 id="lineage">Lineage</h2>
      <p class="note">Each is the SHA-256 of the bytes themselves; deploying compares them again.</p>
      <table class="lineage">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">SHA-256</th>
          </tr>
        </thead>
        <tbody>
          ${evidence.lineage.map(
            (one) =>
              html`<tr>
                <th scope="row">${one.name}</th>
                <td>${digest(one.digest)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>
    ${previousDecisions(evidence)}`;
}

function evaluationSections(evaluation: Evaluation): Html {
  const { rows, baseRate, flips, confusion, bootstrapRounds, championVersion } = evaluation;
  const against =
    championVersion === null
      ? "There is no champion to compare with: this would be the first."
      : `Compared with ${championVersion} on the same rows.`;
  return html`<section class="card" aria-labelledby="metrics">
      <h2 id="metrics">How good it is</h2>
      <p>
        On ${countInWords(rows)} rows held out${baseRate === null ? "" : `, of which ${shareInWords(baseRate)} are positive`}.
        ${against} Intervals hold 95 %, from ${bootstrapRounds} resamples.
      </p>
      <table class="metrics">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">Candidate</th>
            <th scope="col">Champion</th>
            <th scope="col">Change</th>
            <th scope="col">Wanted</th>
            <th scope="col">At a glance</th>
            <th scope="col">Verdict</th>
          </tr>
        </thead>
        <tbody>
          ${evaluation.metrics.map(metricRow)}
        </tbody>
      </table>
      <p class="legend">
        <span class="key value"></span> candidate <span class="key range"></span> its interval
        <span class="key champion"></span> champion <span class="key limit"></span> threshold; better is to the right
      </p>
    </section>
    <section class="card" aria-labelledby="calibration">
      <h2 id="calibration">What it would do</h2>
      <div class="pair">
        ${calibrationChart(evaluation.calibration)}
        <div>
          ${flips === null ? html`<p>No champion serves yet, so no decision would change.</p>` : html`<p class="figure"><strong>${shareInWords(flips.share)}</strong> of the decisions on the held-out rows would change (${countInWords(flips.rows)} of ${countInWords(rows)}).</p>`}
          ${confusion === null ? nothing : confusionTable(confusion)}
        </div>
      </div>
    </section>`;
}

function confusionTable(confusion: NonNullable<Evaluation["confusion"]>): Html {
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
        <td>${countInWords(confusion.truePositive)}</td>
        <td>${countInWords(confusion.falseNegative)}</td>
      </tr>
      <tr>
        <th scope="row">Was negative</th>
        <td>${countInWords(confusion.falsePositive)}</td>
        <td>${countInWords(confusion.trueNegative)}</td>
      </tr>
    </tbody>
  </table>`;
}

function metricRow(row: MetricRow): Html {
  const { metric, candidate, champion, change, threshold, verdict } = row;
  const range = (one: { low: number; high: number }) =>
    html`<small>${metricInWords(one.low)} to ${metricInWords(one.high)}</small>`;
  return html`<tr>
    <th scope="row">${metricTitles[metric]}</th>
    <td data-label="Candidate"><strong>${metricInWords(candidate.value)}</strong> ${range(candidate)}</td>
    <td data-label="Champion">${champion === null ? "–" : html`${metricInWords(champion.value)} ${range(champion)}`}</td>
    <td data-label="Change">
      ${change === null ? "–" : html`${changeInWords(change.value)} <small>${changeInWords(change.low)} to ${changeInWords(change.high)}</small>`}
    </td>
    <td data-label="Wanted">${threshold === null ? "–" : `${higherIsBetter[metric] ? "≥" : "≤"} ${threshold.pass}`}</td>
    <td class="glance">${intervalChart(row)}</td>
    <td data-label="Verdict">${badge(verdict)}</td>
  </tr>`;
}

function circumstances(evidence: Evidence, { request, release }: GateView): Html {
  return facts([
    ["Requested by", `${evidence.requestedBy} (${evidence.trigger}): ${evidence.reason}`],
    ["Release", release === null ? null : releaseLink(release)],
    ["Changed for this release", parametersInWords(evidence.parameters)],
    ["Risk tier", `${evidence.tier}: ${evidence.tierReason}`],
    ["Policy", `${request.policy.id}, version ${request.policy.version}`],
    ["Training took", evidence.trainingMs === null ? null : durationInWords(evidence.trainingMs)],
    ["Champion now", evidence.champion ?? "none"],
    ["Rolls back to", evidence.rollbackTarget ?? "nothing: there is no champion before it"],
  ]);
}

function previousDecisions({ previousDecisions: before }: Evidence): Html {
  if (before.length === 0) return nothing;
  return html`<section class="card" aria-labelledby="before">
    <h2 id="before">Last decisions on this model</h2>
    <ul class="plain-list">
      ${before.map((one) => html`<li>${gateLink(one.gate)} ${badge(one.resolution)} ${one.by === null ? nothing : `by ${one.by}, `}${moment(one.at)}${one.outcome === null ? nothing : `; the release ended as ${one.outcome}`}</li>`)}
    </ul>
  </section>`;
}
