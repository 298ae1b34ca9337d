import { createRequire } from "node:module";
import type { Chart } from "./chart.ts";

const require = createRequire(import.meta.url);
const fonts = [
  require.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf"),
  require.resolve("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf"),
];

/**
 * Draws a specification as SVG, about 30 ms. Loaded when first needed: vega takes a quarter of a second.
 * No network: data stand in the specification, and a loader that would fetch is never asked.
 */
export async function chartSvg(spec: Chart["spec"]): Promise<string> {
  const [vega, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** The picture for surfaces that show no SVG (Slack, mail), at twice its size. Without a font of its own resvg would draw no text, and say nothing. */
export async function chartPng(spec: Chart["spec"] | string): Promise<Uint8Array> {
  const svg = typeof spec === "string" ? spec : await chartSvg(spec);
  const { Resvg } = await import("@resvg/resvg-js");
  return new Resvg(svg, {
    fitTo: { mode: "zoom", value: 2 },
    font: { fontFiles: fonts, loadSystemFonts: false, defaultFontFamily: "DejaVu Sans", sansSerifFamily: "DejaVu Sans" },
  })
    .render()
    .asPng();
}
