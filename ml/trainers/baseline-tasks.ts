import { writeLinearModel, writeSoftmaxModel } from "../onnx/linear-graph.ts";
import { checkNames, readParameters } from "./baseline.ts";
import { buildDesign, type DesignMatrix } from "./design-matrix.ts";
import type { TrainJob } from "./job-contract.ts";
import { fitLinear } from "./linear-regression.ts";
import { fitSoftmax } from "./softmax-regression.ts";
import type { FeatureColumns } from "./training-data.ts";

type Job = Pick<TrainJob, "features" | "parameters">;
type Progress = (iteration: number, objective: number) => void;

export interface MadeModel {
  onnx: Uint8Array;
  /** How good it is on its own training rows, and after how much work. */
  said: string;
  weights: number;
  iterations: number;
  metrics: Record<string, number>;
}

/** Ridge regression on the same design as the logistic baseline. Equal data give equal bytes. */
export function trainLinearBaseline(job: Job, data: { columns: FeatureColumns; targets: Float64Array }): MadeModel {
  const { l2, maxCategories } = readParameters(job.parameters);
  checkNames(job.features, ["value"]);
  const design = buildDesign(job.features, data.columns, maxCategories);
  const fit = fitLinear(design, data.targets, l2);
  const weightOf = denseWeights(design);
  const onnx = writeLinearModel(
    {
      intercept: fit.intercept,
      numeric: numbersOf(design).map((column) => ({
        ...column,
        weight: weightOf(fit.dense, column.name, "number"),
        missingWeight: weightOf(fit.dense, column.name, "missing"),
      })),
      categories: design.categories.map(({ feature, categories }, index) => ({
        name: feature,
        weights: categories.map((value, code) => ({ value, weight: fit.categories[index]![code]! })),
      })),
    },
    job.features.map(({ name }) => name),
  );
  let squares = 0;
  fit.predictions.forEach((value, row) => (squares += (value - data.targets[row]!) ** 2));
  const rmse = Math.sqrt(squares / data.targets.length);
  return {
    onnx,
    said: `RMSE on the training rows ${rmse.toPrecision(5)}`,
    weights: weightCount(design),
    iterations: 1,
    metrics: { rmse },
  };
}

/** Multinomial logistic regression on the same design. Equal data give equal bytes. */
export function trainSoftmaxBaseline(
  job: Job & { classes: string[] },
  data: { columns: FeatureColumns; labels: Uint8Array },
  onIteration?: Progress,
): MadeModel {
  const { l2, maxCategories, maxIterations } = readParameters(job.parameters);
  checkNames(job.features, ["label", "probabilities"]);
  const design = buildDesign(job.features, data.columns, maxCategories);
  const classes = job.classes.length;
  const fit = fitSoftmax(design, data.labels, {
    classes,
    l2,
    maxIterations,
    ...(onIteration === undefined ? {} : { onIteration }),
  });
  const weightOf = denseWeights(design);
  const onnx = writeSoftmaxModel(
    {
      intercepts: fit.classes.map(({ intercept }) => intercept),
      numeric: numbersOf(design).map((column) => ({
        ...column,
        weights: fit.classes.map(({ dense }) => weightOf(dense, column.name, "number")),
        missingWeights: fit.classes.map(({ dense }) => weightOf(dense, column.name, "missing")),
      })),
      categories: design.categories.map(({ feature, categories }, index) => ({
        name: feature,
        values: categories.map((value, code) => ({
          value,
          weights: fit.classes.map((one) => one.categories[index]![code]!),
        })),
      })),
    },
    job.features.map(({ name }) => name),
  );
  return {
    onnx,
    said: `log loss on the training rows ${fit.logLoss.toFixed(4)}`,
    weights: classes * weightCount(design),
    iterations: fit.iterations,
    metrics: { logLoss: fit.logLoss },
  };
}

function numbersOf(design: DesignMatrix) {
  return design.dense
    .filter(({ kind }) => kind === "number")
    .map(({ feature, fill, mean, scale }) => ({ name: feature, fill, mean, scale }));
}

function denseWeights(design: DesignMatrix) {
  return (weights: Float64Array, feature: string, kind: "number" | "missing"): number => {
    const place = design.dense.findIndex((column) => column.feature === feature && column.kind === kind);
    return place < 0 ? 0 : weights[place]!;
  };
}

function weightCount({ dense, categories }: DesignMatrix): number {
  return 1 + dense.length + categories.reduce((count, one) => count + one.categories.length, 0);
}
