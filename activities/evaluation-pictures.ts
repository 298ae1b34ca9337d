import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { evaluationCharts } from "../charts/evaluation-charts.ts";
import { chartPng, chartSvg } from "../charts/render.ts";
import type { ChartReference } from "../domain/evaluation-detail.ts";
import type { Evaluation } from "../domain/evidence.ts";
import type { StageTools } from "../ml/stage-tools.ts";

/** The charts that a message shows; of the others there is SVG alone. A PNG takes about 40 ms. */
const rasterised = new Set(["metric-change", "slices", "fairness", "importance", "calibration"]);

/** Draws an evaluation and keeps the pictures by digest, so that what an approver saw stays what it was. */
export async function drawEvaluation(store: ArtifactStore, evaluation: Evaluation, tools: StageTools): Promise<ChartReference[]> {
  const drawn: ChartReference[] = [];
  for (const { name, title, alt, spec } of evaluationCharts(evaluation)) {
    tools.signal.throwIfAborted();
    tools.progress(`drawing ${name}`);
    const svg = await chartSvg(spec);
    const png = rasterised.has(name) ? await store.put(await chartPng(svg)) : null;
    drawn.push({ name, title, alt, svg: await store.put(svg), png });
  }
  return drawn;
}
