/** What a model predicts. */
export const tasks = ["binary", "multiclass", "regression"] as const;
export type Task = (typeof tasks)[number];

/**
 * The label as the featurized tables hold it in `label`: binary 0 or 1 (INTEGER), multiclass the index
 * into `classes` (INTEGER; classes are sorted by name), regression a DOUBLE. Part of a FeatureSpec; where
 * it is absent the task is binary, as in every version made before there were others.
 */
export type LabelSpec = { task: "binary" } | { task: "multiclass"; classes: string[] } | { task: "regression" };
