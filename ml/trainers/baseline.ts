import { writeLogisticModel } from "../onnx/logistic-graph.ts";
import { buildDesign, type DesignMatrix } from "./design-matrix.ts";
import type { TrainJob } from "./job-contract.ts";
import { fitLogistic, type LogisticFit } from "./logistic-regression.ts";
import type { TrainingData } from "./training-data.ts";

export interface BaselineParameters {
  /** Penalty on the squared weights; scikit-learn's C is its inverse. */
  l2: number;
  /** Of a string feature, the most frequent values that get a weight; the others count nothing. */
  maxCategories: number;
  maxIterations: number;
}

const bounds: Record<keyof BaselineParameters, { standard: number; low: number; high: number; whole: boolean }> = {
  l2: { standard: 1, low: 1e-6, high: 1e9, whole: false },
  maxCategories: { standard: 200, low: 1, high: 1000, whole: true },
  maxIterations: { standard: 100, low: 1, high: 1000, whole: true },
};

/** Throws a RangeError that names the parameter, for unknown names and for values out of bounds. */
export function readParameters(given: TrainJob["parameters"]): BaselineParameters {
  const parameters: BaselineParameters = {
    l2: bounds.l2.standard,
    maxCategories: bounds.maxCategories.standard,
    maxIterations: bounds.maxIterations.standard,
  };
  for (const [name, value] of Object.entries(given)) {
    if (name !== "l2" && name !== "maxCategories" && name !== "maxIterations")
      throw new RangeError(`The baseline has no parameter "${name}"; it takes ${Object.keys(bounds).join(", ")}.`);
    const { low, high, whole } = bounds[name];
    if (typeof value !== "number" || !(value >= low && value <= high) || (whole && !Number.isInteger(value)))
      throw new RangeError(
        `The parameter ${name} must be a ${whole ? "whole " : ""}number from ${low} to ${high}, not ${JSON.stringify(value)}.`,
      );
    parameters[name] = value;
  }
  return parameters;
}

/** Throws a RangeError where there is no feature, or one whose name the model's outputs need. */
export function checkNames(features: TrainJob["features"], outputs: string[]): void {
  if (features.length === 0) throw new RangeError("There is no feature to learn from.");
  const taken = features.find(({ name }) => outputs.includes(name));
  if (taken !== undefined) throw new RangeError(`A feature cannot be called "${taken.name}": the model's output has that name.`);
}

export interface TrainedBaseline {
  onnx: Uint8Array;
  fit: LogisticFit;
  design: DesignMatrix;
}

/** Fits and writes the model. The problem is convex: the seed has no say, and equal data give equal bytes. */
export function trainBaseline(
  job: Pick<TrainJob, "features" | "parameters">,
  data: TrainingData,
  onIteration?: (iteration: number, objective: number) => void,
): TrainedBaseline {
  checkNames(job.features, ["label", "probabilities"]);
  const { l2, maxCategories, maxIterations } = readParameters(job.parameters);
  const design = buildDesign(job.features, data.columns, maxCategories);
  const fit = fitLogistic(design, data.labels, {
    l2,
    maxIterations,
    ...(onIteration === undefined ? {} : { onIteration }),
  });
  const weightOf = (feature: string, kind: "number" | "missing") => {
    const place = design.dense.findIndex((column) => column.feature === feature && column.kind === kind);
    return place < 0 ? 0 : fit.dense[place]!;
  };
  const terms = {
    intercept: fit.intercept,
    numeric: design.dense
      .filter(({ kind }) => kind === "number")
      .map(({ feature, fill, mean, scale }) => ({
        name: feature,
        fill,
        mean,
        scale,
        weight: weightOf(feature, "number"),
        missingWeight: weightOf(feature, "missing"),
      })),
    categories: design.categories.map(({ feature, categories }, index) => ({
      name: feature,
      weights: categories.map((value, code) => ({ value, weight: fit.categories[index]![code]! })),
    })),
  };
  const onnx = writeLogisticModel(
    terms,
    job.features.map(({ name }) => name),
  );
  return { onnx, fit, design };
}
