import { html } from "hono/html";
import type { CalibrationBin } from "../../domain/evidence.ts";
import { metricInWords, shareInWords } from "../../domain/wording.ts";
import { nothing } from "../markup.ts";
import type { Html } from "../markup.ts";

const size = 220;
const margin = 30;

/** Predicted against observed, by tenths of what was predicted; the diagonal is honest. `values`: of a regression, in its own unit. */
export function calibrationChart(bins: CalibrationBin[], values = false): Html {
  const ends = bins.flatMap((bin) => [bin.predicted, bin.observed, bin.low ?? bin.observed, bin.high ?? bin.observed]);
  const bottom = values ? Math.min(...ends) : 0;
  const top = values ? Math.max(...ends, bottom + 1e-9) : Math.min(1, Math.max(0.1, ...ends) * 1.05);
  const words = values ? metricInWords : shareInWords;
  const part = (value: number) => ((Math.min(top, value) - bottom) / (top - bottom)) * (size - margin - 8);
  const x = (value: number) => (margin + part(value)).toFixed(1);
  const y = (value: number) => (size - margin - part(value)).toFixed(1);
  const points = bins.map((bin) => `${x(bin.predicted)},${y(bin.observed)}`).join(" ");
  return html`<figure class="calibration">
    <svg
      viewBox="0 0 ${size} ${size}"
      width="${size}"
      height="${size}"
      role="img"
      aria-label="Calibration: predicted against observed, in ${bins.length} groups; the table below has the numbers"
    >
      <line class="axis" x1="${x(bottom)}" y1="${y(bottom)}" x2="${x(top)}" y2="${y(bottom)}" />
      <line class="axis" x1="${x(bottom)}" y1="${y(bottom)}" x2="${x(bottom)}" y2="${y(top)}" />
      <line class="diagonal" x1="${x(bottom)}" y1="${y(bottom)}" x2="${x(top)}" y2="${y(top)}" />
      ${bins.map((bin) => (bin.low === undefined || bin.high === undefined ? nothing : html`<line class="whisker" x1="${x(bin.predicted)}" x2="${x(bin.predicted)}" y1="${y(bin.low)}" y2="${y(bin.high)}" />`))}
      <polyline class="curve" points="${points}" />
      ${bins.map((bin) => html`<circle class="value" cx="${x(bin.predicted)}" cy="${y(bin.observed)}" r="3.5" />`)}
      <text x="${x(top)}" y="${size - 16}" text-anchor="end">${words(top)}</text>
      <text x="${x(bottom)}" y="${size - 16}" text-anchor="middle">${values ? words(bottom) : "0"}</text>
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
                <td>${words(bin.predicted)}</td>
                <td>
                  ${words(bin.observed)}
                  ${bin.low === undefined || bin.high === undefined ? nothing : html`<small>${words(bin.low)} to ${words(bin.high)}</small>`}
                </td>
                <td>${bin.rows}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </details>
  </figure>`;
}
