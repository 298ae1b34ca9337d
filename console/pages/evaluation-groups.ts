import { html } from "hono/html";
import type {
  FairnessGap,
  FairnessGroup,
  FairnessMeasure,
  FairnessRow,
  LeftOut,
  SliceRow,
} from "../../domain/evaluation-detail.ts";
import type { Estimate, Evaluation } from "../../domain/evidence.ts";
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
import { badge, nothing } from "../markup.ts";
import type { Html } from "../markup.ts";

const slicesShown = 6;

/** Where it is worst, and whom it treats differently. */
export function groupSections(evaluation: Evaluation, drawn: Drawn): Html {
  return html`${slicesSection(evaluation, drawn)} ${fairnessSection(evaluation, drawn)}`;
}

function slicesSection({ slices = null }: Evaluation, drawn: Drawn): Html {
  if (slices === null) return nothing;
  const { rows, tested, tooFew, metric, chosen, minimumRows, leftOut = [] } = slices;
  const worse = rows.filter((row) => row.worse).length;
  const found =
    worse === 0
      ? "none is worse than the rest by more than chance"
      : `${worse} ${worse === 1 ? "is" : "are"} worse than the rest by more than chance`;
  return html`<section class="card" aria-labelledby="slices">
    <h2 id="slices">Where it is worst</h2>
    <p>
      ${tested} parts of the rows,
      ${chosen === "definition" ? "as the definition names them" : "by the values of the request's columns"}, each against all
      others by ${metricInSentence(metric)}: ${found}, after a correction for looking at ${tested} (Holm).
      ${tooFew === 0 ? "" : `${tooFew} more cannot be compared (${minimumRows} rows are the least).`}
    </p>
    ${leftOutList(leftOut)} ${sliceTable(rows.slice(0, slicesShown))}
    ${
      rows.length <= slicesShown
        ? nothing
        : html`<details>
            <summary>${rows.length - slicesShown} more</summary>
            ${sliceTable(rows.slice(slicesShown))}
          </details>`
    }
    ${chartFigure(drawn, "slices")}
  </section>`;
}

function leftOutList(parts: LeftOut[]): Html {
  if (parts.length === 0) return nothing;
  return html`<details>
    <summary>Not compared, and why</summary>
    <ul>
      ${parts.map(({ part, rows, why }) => html`<li>${part}, ${countInWords(rows)} ${rows === 1 ? "row" : "rows"}: ${why}</li>`)}
    </ul>
  </details>`;
}

function sliceTable(rows: SliceRow[]): Html {
  const flips = rows.some((row) => row.flips !== null);
  return html`<table class="metrics">
    <thead>
      <tr>
        <th scope="col">Slice</th>
        <th scope="col">Rows</th>
        <th scope="col">Here</th>
        <th scope="col">Against the rest</th>
        <th scope="col">Champion here</th>
        ${flips ? html`<th scope="col">Decisions that flip</th>` : nothing}
        <th scope="col">Verdict</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            <th scope="row">${row.slice}</th>
            <td data-label="Rows">${countInWords(row.rows)} <small>${shareInWords(row.share)}</small></td>
            <td data-label="Here"><strong>${metricInWords(row.value.value)}</strong> ${range(row.value)}</td>
            <td data-label="Against the rest">
              ${changeInWords(row.difference.value)}
              <small
                >${changeInWords(row.difference.low)} to ${changeInWords(row.difference.high)}, ${pInWords(row.corrected)}</small
              >
            </td>
            <td data-label="Champion here">${row.champion === null ? "–" : metricInWords(row.champion)}</td>
            ${flips ? html`<td data-label="Decisions that flip">${row.flips === null ? "–" : html`${shareInWords(row.flips.share.value)} <small>of ${countInWords(row.rows)}</small>`}</td>` : nothing}
            <td data-label="Verdict">${row.worse ? badge("warn", "worse") : badge("quiet", "no more than chance")}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function range({ low, high }: Estimate): Html {
  return html`<small>${metricInWords(low)} to ${metricInWords(high)}</small>`;
}

function fairnessSection({ fairness = [] }: Evaluation, drawn: Drawn): Html {
  if (fairness.length === 0) return nothing;
  return html`<section class="card" aria-labelledby="fairness">
    <h2 id="fairness">Whom it treats differently</h2>
    <p class="note">
      Groups of the protected attributes; each share with its 95 % interval. Groups that too few rows tell of are shown and named
      as left out; a pass that leaves one out is a warning.
    </p>
    ${fairness.map(attributePart)} ${chartFigure(drawn, "fairness")}
  </section>`;
}

function attributePart(row: FairnessRow): Html {
  const limited = row.measures.filter(({ limit }) => limit !== null);
  const others = row.measures.filter(({ limit, gap }) => limit === null && gap !== null);
  return html`<h3>${row.attribute} ${badge(row.verdict === "too-few" ? "warn" : row.verdict, row.verdict)}</h3>
    <p>${row.sentence}</p>
    <ul class="plain-list">
      ${limited.filter(({ measure }) => measure !== row.measure).map((gap) => html`<li>${badge(gap.verdict === "too-few" ? "warn" : (gap.verdict ?? "quiet"), gap.verdict ?? "")} ${gapInWords(gap)}</li>`)}
    </ul>
    ${groupTable(row.groups)}
    ${
      others.length === 0
        ? nothing
        : html`<details>
            <summary>Gaps without a limit</summary>
            <ul>
              ${others.map((gap) => html`<li>${gapInWords(gap)}</li>`)}
            </ul>
          </details>`
    }`;
}

const measureNames: Record<FairnessMeasure, string> = {
  selectionRateDifference: "Selection rate, difference",
  selectionRateRatio: "Selection rate, ratio",
  truePositiveRateDifference: "True positive rate, difference",
  falsePositiveRateDifference: "False positive rate, difference",
  calibrationDifference: "Calibration, difference",
  accuracyDifference: "Accuracy, difference",
  errorDifference: "Error, difference (in standard deviations of the label)",
};

function gapInWords({ measure, gap, between, limit, leftOut = [] }: FairnessGap): string {
  const name = measureNames[measure];
  if (gap === null || between === null) return `${name}: too few to say.${leftOutInWords(leftOut)}`;
  const allowed = limit === null ? "" : `; limit ${limit.pass}`;
  return `${name}: ${metricInWords(gap.value)} (${metricInWords(gap.low)} to ${metricInWords(gap.high)}) between ${between[0]} and ${between[1]}${allowed}.${leftOutInWords(leftOut)}`;
}

const columns: [keyof Omit<FairnessGroup, "group" | "rows" | "tooFew">, string][] = [
  ["selectionRate", "Said positive"],
  ["truePositiveRate", "Positives found"],
  ["falsePositiveRate", "False alarms"],
  ["accuracy", "Right"],
  ["error", "Error"],
  ["calibration", "Over- or underrated"],
];

function groupTable(groups: FairnessGroup[]): Html {
  const told = columns.filter(([key]) => groups.some((group) => group[key] !== null));
  const value = (key: (typeof columns)[number][0], { value: at, low, high }: Estimate) =>
    key === "error" || key === "calibration"
      ? html`${changeInWords(at)} <small>${changeInWords(low)} to ${changeInWords(high)}</small>`
      : html`${shareInWords(at)} <small>${shareInWords(low)} to ${shareInWords(high)}</small>`;
  return html`<table class="metrics">
    <thead>
      <tr>
        <th scope="col">Group</th>
        <th scope="col">Rows</th>
        ${told.map(([, title]) => html`<th scope="col">${title}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${groups.map(
        (group) =>
          html`<tr>
            <th scope="row">${group.group}</th>
            <td data-label="Rows">${countInWords(group.rows)} ${group.tooFew ? html`<small>too few</small>` : nothing}</td>
            ${told.map(([key, title]) => {
              const found = group[key];
              return html`<td data-label="${title}">${found === null ? "–" : value(key, found)}</td>`;
            })}
          </tr>`,
      )}
    </tbody>
  </table>`;
}
