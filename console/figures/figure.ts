import { html } from "hono/html";
import type { ChartReference } from "../../domain/evaluation-detail.ts";
import { nothing, paths } from "../markup.ts";
import type { Html } from "../markup.ts";

/** The pictures of a gate's evaluation, by name. */
export interface Drawn {
  gate: string;
  charts: ChartReference[];
}

/** A picture that was drawn when the candidate was evaluated; its digest is in the address, and so in what was seen. */
export function chartFigure({ gate, charts }: Drawn, name: string): Html {
  const chart = charts.find((one) => one.name === name);
  if (chart === undefined) return nothing;
  const mark = chart.svg.replace("sha256:", "").slice(0, 16);
  return html`<figure class="picture">
    <img src="${paths.gate(gate)}/charts/${name}.svg?d=${mark}" alt="${chart.alt}" loading="lazy" />
  </figure>`;
}
