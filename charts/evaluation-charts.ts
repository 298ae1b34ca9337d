import type { Evaluation } from "../domain/evidence.ts";
import type { Chart } from "./chart.ts";
import { costChart, fairnessChart, importanceChart, sliceChart, stabilityChart } from "./detail-charts.ts";
import { calibrationChart, metricChangeChart, rocChart, scoreChart } from "./metric-charts.ts";

const all = [
  metricChangeChart,
  sliceChart,
  fairnessChart,
  importanceChart,
  calibrationChart,
  rocChart,
  scoreChart,
  costChart,
  stabilityChart,
];

/** Every chart that an evaluation has the numbers for; pure, so that equal evaluations give equal pictures. Old evaluations give fewer. */
export function evaluationCharts(evaluation: Evaluation): Chart[] {
  return all.flatMap((chart) => chart(evaluation) ?? []);
}
