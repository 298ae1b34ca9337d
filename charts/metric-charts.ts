import { higherIsBetter, type Evaluation } from "../domain/evidence.ts";
import { changeInWords, metricInWords, metricTitles } from "../domain/wording.ts";
import { type Chart, colours, framed } from "./chart.ts";

/** How much each metric changed against champion and baseline, in half-widths of the interval, so that all fit one axis; better is to the right. */
export function metricChangeChart({ metrics }: Evaluation): Chart | null {
  const values = metrics.flatMap(({ metric, change, overBaseline }) => {
    const against = [
      ["champion", change],
      ["baseline", overBaseline ?? null],
    ] as const;
    return against.flatMap(([who, difference]) => {
      if (difference === null) return [];
      const sign = higherIsBetter[metric] ? 1 : -1;
      const unit = (difference.high - difference.low) / 2 || 1;
      const ends = [(sign * difference.low) / unit, (sign * difference.high) / unit].toSorted((a, b) => a - b);
      return [
        {
          metric: metricTitles[metric],
          against: `against the ${who}`,
          value: (sign * difference.value) / unit,
          low: ends[0],
          high: ends[1],
          said: changeInWords(difference.value),
        },
      ];
    });
  });
  if (values.length === 0) return null;
  const row = { field: "metric", type: "nominal", sort: null, title: null };
  const offset = { yOffset: { field: "against" } };
  return {
    name: "metric-change",
    title: "What changed",
    alt: values.map(({ metric, against, said }) => `${metric} ${against}: ${said}`).join("; "),
    spec: framed("What changed: better is to the right", {
      height: { step: 15 },
      data: { values },
      encoding: {
        y: row,
        ...offset,
        color: {
          field: "against",
          scale: { domain: ["against the champion", "against the baseline"], range: [colours.candidate, colours.baseline] },
        },
      },
      layer: [
        {
          mark: { type: "rule", color: "#555", strokeDash: [3, 3] },
          encoding: {
            x: { datum: 0, type: "quantitative" },
            y: { value: "height" },
            y2: { value: 0 },
            yOffset: { value: 0 },
            color: { value: "#777" },
          },
        },
        {
          mark: { type: "rule", strokeWidth: 5, opacity: 0.35 },
          encoding: {
            x: { field: "low", type: "quantitative", title: "change, in half-widths of its 95 % interval" },
            x2: { field: "high" },
          },
        },
        { mark: { type: "point", filled: true, size: 45 }, encoding: { x: { field: "value", type: "quantitative" } } },
      ],
    }),
  };
}

/** Predicted against observed with the intervals of the bins; the diagonal is honest. */
export function calibrationChart({ calibration, task }: Evaluation): Chart | null {
  if (calibration.length === 0) return null;
  const regression = task === "regression";
  const values = calibration.map((bin) => ({ ...bin, low: bin.low ?? bin.observed, high: bin.high ?? bin.observed }));
  const ends = values.flatMap(({ predicted, low, high }) => [predicted, low, high]);
  const [least, most] = regression ? [Math.min(...ends), Math.max(...ends)] : [0, Math.min(1, Math.max(0.1, ...ends) * 1.05)];
  const axis = (title: string) => ({
    title,
    axis: { format: regression ? "~g" : ".0%" },
    scale: { domain: [least, most], zero: false },
  });
  return {
    name: "calibration",
    title: "Calibration",
    alt: `Predicted against observed in ${values.length} groups: ${values.map(({ predicted, observed }) => `${metricInWords(predicted)} was ${metricInWords(observed)}`).join(", ")}`,
    spec: framed("Calibration: on the line, what is predicted is what happens", {
      height: 260,
      data: { values },
      layer: [
        {
          data: { values: [{ at: least }, { at: most }] },
          mark: { type: "line", color: "#8a938f", strokeDash: [4, 4] },
          encoding: { x: { field: "at", type: "quantitative", ...axis("predicted") }, y: { field: "at", type: "quantitative" } },
        },
        {
          mark: { type: "rule", color: colours.candidate, opacity: 0.45, strokeWidth: 2 },
          encoding: {
            x: { field: "predicted", type: "quantitative" },
            y: { field: "low", type: "quantitative", ...axis("observed, with 95 % intervals") },
            y2: { field: "high" },
          },
        },
        {
          mark: { type: "line", color: colours.candidate, point: { filled: true, color: colours.candidate, size: 40 } },
          encoding: { x: { field: "predicted", type: "quantitative" }, y: { field: "observed", type: "quantitative" } },
        },
      ],
    }),
  };
}

export function rocChart({ scores, metrics }: Evaluation): Chart | null {
  const curves = scores?.roc ?? [];
  if (curves.length === 0) return null;
  const values = curves.flatMap(({ who, points }) => points.map((point, order) => ({ who, order, ...point })));
  const auc = metrics.find(({ metric }) => metric === "auc");
  const order = curves.map(({ who }) => who);
  return {
    name: "roc",
    title: "ROC curve",
    alt: `True against false positives at every threshold; the area under the candidate's curve is ${auc === undefined ? "not told" : metricInWords(auc.candidate.value)}`,
    spec: framed("ROC: positives found, for negatives wrongly called", {
      height: 260,
      layer: [
        {
          data: { values: [{ at: 0 }, { at: 1 }] },
          mark: { type: "line", color: "#8a938f", strokeDash: [4, 4] },
          encoding: { x: { field: "at", type: "quantitative" }, y: { field: "at", type: "quantitative" } },
        },
        {
          data: { values },
          mark: { type: "line", strokeWidth: 2 },
          encoding: {
            x: { field: "falsePositive", type: "quantitative", title: "false positive rate", axis: { format: ".0%" } },
            y: { field: "truePositive", type: "quantitative", title: "true positive rate", axis: { format: ".0%" } },
            order: { field: "order" },
            color: { field: "who", scale: { domain: order, range: order.map((who) => colours[who]) } },
          },
        },
      ],
    }),
  };
}

export function scoreChart({ scores, confusion, task }: Evaluation): Chart | null {
  if (scores === undefined || scores === null) return null;
  const values = scores.series.flatMap(({ name, shares }) =>
    shares.map((share, bin) => ({ name, share, from: scores.edges[bin], to: scores.edges[bin + 1] })),
  );
  const what = task === "regression" ? "predicted minus observed" : "probability";
  return {
    name: "scores",
    title: task === "regression" ? "Errors" : "Scores",
    alt: `How the ${what} is spread${confusion === null ? "" : ", by what the row really was"}`,
    spec: framed(task === "regression" ? "How the errors lie" : "How the scores lie, by what the row really was", {
      height: 160,
      data: { values },
      mark: { type: "bar", opacity: 0.55, binSpacing: 0 },
      encoding: {
        x: {
          field: "from",
          type: "quantitative",
          bin: { binned: true, step: (scores.edges[1] ?? 1) - (scores.edges[0] ?? 0) },
          title: what,
        },
        x2: { field: "to" },
        y: { field: "share", type: "quantitative", stack: null, title: "share of the rows", axis: { format: ".0%" } },
        color: { field: "name", scale: { range: [colours.champion, colours.candidate] } },
      },
    }),
  };
}
