import type { TopLevelSpec } from "vega-lite";

/** A picture before it is drawn: a vega-lite specification with what a person reads of it. */
export interface Chart {
  /** `calibration`; one of each in an evaluation. */
  name: string;
  title: string;
  /** What it shows, in words, for those who do not see it. */
  alt: string;
  spec: TopLevelSpec;
}

/** Colours that keep apart for the colour-blind (Okabe and Ito 2008), on white. */
export const colours = {
  candidate: "#1d6f62",
  champion: "#d55e00",
  baseline: "#7a7f7c",
  bad: "#a3281f",
  quiet: "#b8c0bc",
} as const;

export const chartWidth = 420;

const schema = "https://vega.github.io/schema/vega-lite/v6.json";

/** The frame that all charts share. The body has no default of its own. */
export function framed(title: string, body: Record<string, unknown>): TopLevelSpec {
  const spec = {
    $schema: schema,
    title: { text: title, anchor: "start", fontSize: 13, offset: 10 },
    width: chartWidth,
    background: "white",
    padding: 8,
    config: {
      font: "DejaVu Sans, Segoe UI, Helvetica, Arial, sans-serif",
      axis: {
        labelFontSize: 11,
        titleFontSize: 11,
        titleFontWeight: "normal",
        gridColor: "#e6eae7",
        domainColor: "#9aa39f",
        labelLimit: 280,
      },
      legend: { labelFontSize: 11, titleFontSize: 11, orient: "top", title: null, labelLimit: 280 },
      view: { stroke: null },
    },
    ...body,
  };
  // The parts are put together from pieces; vega-lite's compiler refuses what is no specification.
  return spec as unknown as TopLevelSpec;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
