import { html } from "hono/html";
import type { Evaluation } from "../../domain/evidence.ts";
import { shareInWords } from "../../domain/wording.ts";
import type { Html } from "../markup.ts";

const size = 220;
const margin = 30;

/** Predicted against observed, by tenths of the candidate's probabilities; the diagonal is honest. */
export function calibrationChart(bins: Evaluation["calibration"]): Html {
  const top = Math.min(1, Math.max(0.1, ...bins.flatMap((bin) => [bin.predicted, bin.observed])) * 1.05);
  const x = (share: number) => (margin + (share / top) * (size - margin - 8)).toFixed(1);
  const y = (share: number) => (size - margin - (share / top) * (size - margin - 8)).toFixed(1);
  const points = bins.map((bin) => `${x(bin.predicted)},${y(bin.observed)}`).join(" ");
  return html`<figure class="calibration">
    <svg
      viewBox="0 0 ${size} ${size}"
      width="${size}"
      height="${size}"
      role="img"
      aria-label="Calibration: predicted probability against observed share, in ${bins.length} groups; the table below has the numbers"
    >
      <line class="axis" x1="${x(0)}" y1="${y(0)}" x2="${x(top)}" y2="${y(0)}" />
      <line class="axis" x1="${x(0)}" y1="${y(0)}" x2="${x(0)}" y2="${y(top)}" />
      <line class="diagonal" x1="${x(0)}" y1="${y(0)}" x2="${x(top)}" y2="${y(top)}" />
      <polyline class="curve" points="${points}" />
      ${bins.map((bin) => html`<circle class="value" cx="${x(bin.predicted)}" cy="${y(bin.observed)}" r="3.5" />`)}
      <text x="${x(top)}" y="${size - 16}" text-anchor="end">${shareInWords(top)}</text>
      <text x="${x(0)}" y="${size - 16}" text-anchor="middle">0</text>
      <text x="${size / 2}" y="${size - 3}" text-anchor="middle">predicted</text>
      <text x="11" y="${size / 2}" text-anchor="middle" transform="rotate(-90 11 ${size / 2})">observed</text>
    </svg>
    <figcaption>On the line, what is predicted is what happens.</figcaption>
    <details>
      <summary>The numbers</summary>
      <table class="small">
        <thead>
          <tr>
            <th scope="col">Predicted</th>
            <th scope="col">Observed</th>
            <th scope="col">Rows</th>
          </tr>
        </thead>
        <tbody>
          ${bins.map(
            (bin) =>
              html`<tr>
                <td>${shareInWords(bin.predicted)}</td>
                <td>${shareInWords(bin.observed)}</td>
                <td>${bin.rows}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </details>
  </figure>`;
}
