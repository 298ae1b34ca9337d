import { html } from "hono/html";
import { higherIsBetter } from "../../domain/evidence.ts";
import type { MetricRow } from "../../domain/evidence.ts";
import { metricInWords, metricTitles } from "../../domain/wording.ts";
import { nothing } from "../markup.ts";
import type { Html } from "../markup.ts";

const width = 140;
const height = 34;
const margin = 8;

/**
 * A metric at a glance: the candidate's interval as a bar with its value as a dot, the champion's
 * value as a diamond, the threshold as a dashed line. Better is always to the right.
 */
export function intervalChart(row: MetricRow): Html {
  const { candidate, champion, threshold, metric } = row;
  // The failing threshold may lie far off; it is drawn where it falls into the picture.
  const values = [candidate.low, candidate.high, champion?.low, champion?.high, threshold?.pass].filter(
    (value) => value !== undefined,
  );
  const low = Math.min(...values);
  const within = (value: number) => value >= low && value <= Math.max(...values);
  const span = Math.max(...values) - low || 1;
  const at = (value: number) => {
    const share = (value - low) / span;
    return (margin + (higherIsBetter[metric] ? share : 1 - share) * (width - 2 * margin)).toFixed(1);
  };
  const [left, right] = [Number(at(candidate.low)), Number(at(candidate.high))].toSorted((a, b) => a - b);
  const line = (value: number, kind: string) =>
    html`<line class="${kind}" x1="${at(value)}" x2="${at(value)}" y1="3" y2="${height - 3}" />`;
  return html`<svg
    class="interval ${row.verdict}"
    viewBox="0 0 ${width} ${height}"
    width="${width}"
    height="${height}"
    role="img"
    aria-label="${words(row)}"
  >
    ${threshold === null ? nothing : html`${within(threshold.fail) ? line(threshold.fail, "limit-fail") : nothing}${line(threshold.pass, "limit-pass")}`}
    <line class="axis" x1="${margin}" x2="${width - margin}" y1="${height / 2}" y2="${height / 2}" />
    <rect
      class="range"
      x="${left}"
      y="${height / 2 - 5}"
      width="${Math.max((right ?? 0) - (left ?? 0), 2).toFixed(1)}"
      height="10"
      rx="5"
    />
    ${champion === null ? nothing : html`<rect class="champion" x="${(Number(at(champion.value)) - 4).toFixed(1)}" y="${height / 2 - 4}" width="8" height="8" transform="rotate(45 ${at(champion.value)} ${height / 2})" />`}
    <circle class="value" cx="${at(candidate.value)}" cy="${height / 2}" r="5" />
  </svg>`;
}

function words({ metric, candidate, champion, threshold }: MetricRow): string {
  const against = champion === null ? "" : `, champion ${metricInWords(champion.value)}`;
  const wanted = threshold === null ? "" : `, wanted ${higherIsBetter[metric] ? "at least" : "at most"} ${threshold.pass}`;
  return `${metricTitles[metric]}: candidate ${metricInWords(candidate.value)}, between ${metricInWords(candidate.low)} and ${metricInWords(candidate.high)}${against}${wanted}`;
}
