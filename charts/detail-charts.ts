import type { Evaluation } from "../domain/evidence.ts";
import { metricInSentence, metricInWords } from "../domain/wording.ts";
import { type Chart, chartWidth, colours, framed, percent } from "./chart.ts";

const shown = 12;

/** The worst slices, each with its interval, beside the value on all other rows. */
export function sliceChart({ slices }: Evaluation): Chart | null {
  if (slices === undefined || slices === null || slices.rows.length === 0) return null;
  const values = slices.rows.slice(0, shown).map(({ slice, rows, value, rest, worse }) => ({
    slice,
    rows,
    value: value.value,
    low: value.low,
    high: value.high,
    rest,
    standing: worse ? "worse than the rest" : "no worse than chance",
  }));
  const metric = metricInSentence(slices.metric);
  return {
    name: "slices",
    title: "Worst slices",
    alt: `${metric} by slice, the worst first: ${values.map(({ slice, value }) => `${slice} ${metricInWords(value)}`).join(", ")}`,
    spec: framed(`Slices, the worst of ${slices.tested} first`, {
      height: { step: 20 },
      data: { values },
      encoding: { y: { field: "slice", type: "nominal", sort: null, title: null } },
      layer: [
        {
          mark: { type: "rule", strokeWidth: 5, opacity: 0.35 },
          encoding: {
            x: {
              field: "low",
              type: "quantitative",
              title: `${metric}, with 95 % intervals; tick: all other rows`,
              scale: { zero: false },
            },
            x2: { field: "high" },
            color: standing,
          },
        },
        {
          mark: { type: "point", filled: true, size: 50 },
          encoding: { x: { field: "value", type: "quantitative" }, color: standing },
        },
        {
          mark: { type: "tick", color: "#444", thickness: 2, size: 13 },
          encoding: { x: { field: "rest", type: "quantitative" } },
        },
      ],
    }),
  };
}

const standing = {
  field: "standing",
  scale: { domain: ["worse than the rest", "no worse than chance"], range: [colours.bad, colours.candidate] },
};

/** Selection rate (or error, or accuracy) of each group of each protected attribute. */
export function fairnessChart({ fairness, task }: Evaluation): Chart | null {
  const values = (fairness ?? []).flatMap(({ attribute, groups }) =>
    groups.flatMap(({ group, rows, tooFew, ...of }) => {
      const told = { binary: of.selectionRate, multiclass: of.accuracy, regression: of.error }[task ?? "binary"];
      if (told === null) return [];
      return [{ attribute, group, rows, enough: tooFew ? "too few rows" : "compared", ...told, low: Math.max(0, told.low) }];
    }),
  );
  if (values.length === 0) return null;
  const what = {
    binary: "share called positive",
    multiclass: "accuracy",
    regression: "error, in standard deviations of the label",
  }[task ?? "binary"];
  const rate = {
    type: "quantitative",
    title: what,
    scale: { domain: [0, Math.max(...values.map(({ high }) => high))] },
    ...(task === "regression" ? {} : { axis: { format: ".0%" } }),
  };
  return {
    name: "fairness",
    title: "Fairness",
    alt: `${what} by group: ${values.map(({ attribute, group, value }) => `${attribute} ${group} ${task === "regression" ? metricInWords(value) : percent(value)}`).join(", ")}`,
    spec: framed("Groups of the protected attributes", {
      width: undefined,
      data: { values },
      vconcat: [...new Set(values.map(({ attribute }) => attribute))].map((attribute) => ({
        title: { text: attribute, fontSize: 12, anchor: "start" },
        width: chartWidth,
        height: { step: 22 },
        transform: [{ filter: { field: "attribute", equal: attribute } }],
        encoding: {
          y: { field: "group", type: "nominal", sort: null, title: null },
          color: {
            field: "enough",
            scale: { domain: ["compared", "too few rows"], range: [colours.candidate, colours.quiet] },
          },
        },
        layer: [
          { mark: { type: "bar", opacity: 0.35, height: 12 }, encoding: { x: { field: "value", ...rate } } },
          { mark: { type: "rule", strokeWidth: 3 }, encoding: { x: { field: "low", ...rate }, x2: { field: "high" } } },
        ],
      })),
    }),
  };
}

/** SHAP where there is; else permutation. */
export function importanceChart({ explanation, importance }: Evaluation): Chart | null {
  const exact = explanation !== undefined && explanation !== null && explanation.method !== "none" ? explanation : null;
  const values =
    exact === null
      ? (importance?.features ?? []).slice(0, shown).map(({ feature, drop }) => ({ feature, value: drop.value }))
      : exact.features.slice(0, shown).map(({ feature, meanAbsolute }) => ({ feature, value: meanAbsolute }));
  if (values.length === 0) return null;
  const unit =
    exact === null
      ? `loss of ${metricInSentence(importance?.metric ?? "auc")} when shuffled`
      : `mean effect, in ${exact.unit === "value" ? "the predicted unit" : exact.unit}`;
  return {
    name: "importance",
    title: "What it goes by",
    alt: `${unit}: ${values.map(({ feature, value }) => `${feature} ${metricInWords(value)}`).join(", ")}`,
    spec: framed(exact === null ? "What it goes by (permutation)" : "What it goes by (exact SHAP values)", {
      height: { step: 18 },
      data: { values },
      mark: { type: "bar", color: colours.candidate },
      encoding: {
        x: { field: "value", type: "quantitative", title: unit },
        y: { field: "feature", type: "nominal", sort: null, title: null },
      },
    }),
  };
}

export function stabilityChart({ stability }: Evaluation): Chart | null {
  if (stability === undefined || stability === null) return null;
  const values = stability.windows.flatMap(({ from, to, value, champion }) => {
    if (value === null) return [];
    const at = new Date((Date.parse(from) + Date.parse(to)) / 2).toISOString();
    return [
      { at, who: "candidate", value: value.value, low: value.low, high: value.high },
      ...(champion === null ? [] : [{ at, who: "champion", value: champion, low: null, high: null }]),
    ];
  });
  if (values.length < 2) return null;
  const metric = metricInSentence(stability.metric);
  const who = { field: "who", scale: { domain: ["candidate", "champion"], range: [colours.candidate, colours.champion] } };
  const x = { field: "at", type: "temporal", title: null };
  return {
    name: "stability",
    title: "Over time",
    alt: `${metric} over ${stability.windows.length} windows of time: ${values
      .filter((one) => one.who === "candidate")
      .map(({ value }) => metricInWords(value))
      .join(", ")}`,
    spec: framed("Over the time that was held out", {
      height: 160,
      data: { values },
      layer: [
        {
          mark: { type: "rule", strokeWidth: 3, opacity: 0.35 },
          encoding: {
            x,
            y: { field: "low", type: "quantitative", title: metric, scale: { zero: false } },
            y2: { field: "high" },
            color: who,
          },
        },
        { mark: { type: "line", point: true }, encoding: { x, y: { field: "value", type: "quantitative" }, color: who } },
      ],
    }),
  };
}

export function costChart({ costs }: Evaluation): Chart | null {
  if (costs === undefined || costs === null) return null;
  const { deployed, best, curve } = costs;
  return {
    name: "costs",
    title: "What wrong decisions cost",
    alt: `Cost a row by threshold: ${metricInWords(deployed.cost.value)} at the deployed ${deployed.threshold}, least ${metricInWords(best.cost)} at ${metricInWords(best.threshold)}`,
    spec: framed("Cost a row, by threshold", {
      height: 160,
      layer: [
        {
          data: { values: curve },
          mark: { type: "line", color: colours.candidate },
          encoding: {
            x: { field: "threshold", type: "quantitative", title: "threshold" },
            y: { field: "cost", type: "quantitative", title: "cost a row" },
          },
        },
        {
          data: {
            values: [
              { at: deployed.threshold, what: "deployed" },
              { at: best.threshold, what: "best here" },
            ],
          },
          mark: { type: "rule", strokeWidth: 2, strokeDash: [5, 3] },
          encoding: {
            x: { field: "at", type: "quantitative" },
            color: { field: "what", scale: { domain: ["deployed", "best here"], range: [colours.champion, colours.candidate] } },
          },
        },
      ],
    }),
  };
}
