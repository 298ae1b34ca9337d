import { z } from "zod";
import { digestPattern, type Digest } from "./ids.ts";

/** What can make a model: built in, ready-made in Python, a command, a Temporal task queue, or somebody elsewhere. */
export const trainerNames = ["baseline", "lightgbm", "scikit-learn", "command", "task-queue", "import"] as const;

export const searchMetrics = ["auc", "logLoss", "rmse", "mae"] as const;
export type SearchMetric = (typeof searchMetrics)[number];

const scalar = z.union([z.number(), z.string().max(2000), z.boolean()]);
const pathBelow = z
  .string()
  .min(1)
  .max(500)
  .refine(
    (path) => !path.startsWith("/") && !path.split("/").includes("..") && !path.includes("\\"),
    "must be a relative path, without ..",
  );
/** The pattern is that of the type, which a regular expression cannot tell the compiler. */
const digest = z.string().regex(digestPattern, "must be sha256: and 64 hexadecimal digits") as unknown as z.ZodType<
  Digest,
  Digest
>;

const validationSchema = z.strictObject({
  share: z.number().min(0.05).max(0.5).default(0.2).describe("of the training rows; the holdout is never touched"),
  by: z
    .enum(["random", "order"])
    .default("random")
    .describe("a draw by the seed, or the last rows in the order of the data (by time, where the files are in time's order)"),
});

/** One parameter's values: a list, or a range to draw from. */
const rangeSchema = z.union([
  z.array(scalar).min(1).max(100),
  z.strictObject({
    from: z.number(),
    to: z.number(),
    log: z.boolean().optional().describe("draw evenly by orders of magnitude"),
    whole: z.boolean().optional().describe("whole numbers only"),
  }),
]);

const searchSchema = z.strictObject({
  space: z
    .record(z.string().min(1).max(60), rangeSchema)
    .describe("parameters to vary: a list of values, or `{ from, to, log, whole }`"),
  trials: z.int().min(1).max(200).default(20).describe("how many points are tried; the first is the definition's own"),
  parallel: z.int().min(1).max(16).default(1).describe("how many at once, as far as there are training workers"),
  metric: z
    .enum(searchMetrics)
    .optional()
    .describe("what chooses, on the validation rows: `logLoss` for classes and `rmse` for numbers when left out"),
  minutes: z
    .number()
    .positive()
    .max(24 * 60)
    .optional()
    .describe("no trial begins after so long; those under way are finished"),
});

const originSchema = z.strictObject({
  trainedBy: z.string().min(1).max(200).describe("who or what made it"),
  framework: z.string().min(1).max(200).describe("with what, such as `xgboost 3.1`"),
  data: z.string().max(1000).optional().describe("on what data"),
  code: z.string().max(1000).optional().describe("by what code, such as a commit"),
  trainedAt: z.string().max(40).optional(),
  trainedUntil: z.iso
    .date()
    .or(z.iso.datetime({ offset: true }))
    .optional()
    .describe(
      "only rows before this moment were trained on (a date: before its beginning, in UTC); held-out rows are compared with it",
    ),
  note: z.string().max(2000).optional(),
});

/** How the candidate is made. What one trainer does not take is a fault (train-rules.ts). */
export const trainSchema = z.strictObject({
  trainer: z.enum(trainerNames).default("baseline").describe("docs/trainers.md describes each"),
  seed: z
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(7),
  parameters: z.record(z.string(), scalar).default({}).describe("the trainer's own; the baseline takes `l2` (default 1)"),
  limits: z
    .strictObject({
      minutes: z
        .number()
        .positive()
        .max(24 * 60)
        .default(10),
      memoryMb: z.int().min(64).max(1_000_000).default(2048),
      outputMb: z.int().min(1).max(10_000).default(200).describe("all that the trainer writes, log included"),
    })
    .prefault({}),
  validation: validationSchema
    .optional()
    .describe("training rows set apart for early stopping and for the search; drawn by themselves when either is asked for"),
  earlyStopping: z
    .strictObject({ rounds: z.int().min(1).max(10_000).describe("without getting better on the validation rows") })
    .optional(),
  monotone: z
    .record(z.string(), z.enum(["increasing", "decreasing"]))
    .optional()
    .describe("features in which the prediction may only rise or only fall"),
  classWeights: z
    .union([z.literal("balanced"), z.record(z.string(), z.number().positive())])
    .optional()
    .describe("`balanced`, or a weight a class (for a binary label the name of its positive, or `negative`)"),
  search: searchSchema.optional().describe("hyper-parameter search"),
  command: z
    .array(z.string().min(1).max(1000))
    .min(1)
    .max(50)
    .optional()
    .describe("`trainer: command`: program and arguments, run in the job folder; `{python}` stands for the product's own Python"),
  files: pathBelow
    .optional()
    .describe("`trainer: command`: a folder below the trainers' root, copied into the job folder as `trainer/`"),
  taskQueue: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("`trainer: task-queue`: the Temporal task queue whose worker does the activity `train`"),
  model: z
    .union([
      z.strictObject({ file: pathBelow.describe("an ONNX file below the trainers' root") }),
      z.strictObject({ digest: digest.describe("of an ONNX file in the artifact store") }),
    ])
    .optional()
    .describe("`trainer: import`: the model that was trained elsewhere"),
  reference: pathBelow
    .optional()
    .describe(
      "`trainer: import`: a JSON file below the trainers' root, `{ inputs, outputs }`, with what the model answered where it was trained; compared before it is evaluated",
    ),
  origin: originSchema.optional().describe("`trainer: import`: where it comes from, as declared"),
});

export type TrainDefinition = z.output<typeof trainSchema>;
export type SearchDefinition = NonNullable<TrainDefinition["search"]>;
