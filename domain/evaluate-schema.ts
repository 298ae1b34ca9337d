import { z } from "zod";
import { fairnessMeasures } from "./evaluation-detail.ts";
import { metricNames } from "./evidence.ts";

/** The section `evaluate` of a definition. What has no default here may lack in definitions that were pinned earlier. */
const columnName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "must be a plain column name (letters, digits, underscore)");

const threshold = z.strictObject({
  pass: z.number().describe("at least this good (at most, for losses and errors) is a pass"),
  fail: z.number().describe("worse than this is a fail; between the two is a warning"),
});

const limit = z.strictObject({
  pass: z.number().min(0).describe("a gap of at most this (a ratio of at least this) is a pass"),
  fail: z.number().min(0).describe("beyond this is a fail; between the two is a warning"),
});

/** Keys by name, each optional: zod's record with enumerated keys would want all of them. */
function byName<const Names extends readonly string[], Value extends z.ZodType>(names: Names, value: Value) {
  // Object.fromEntries forgets the keys that `names` lists in full.
  return Object.fromEntries(names.map((name) => [name, value.optional()])) as Record<Names[number], z.ZodOptional<Value>>;
}

export const defaultFairnessMinimum = 30;

export const evaluateSchema = z.strictObject({
  thresholds: z.strictObject(byName(metricNames, threshold)).describe("what good means, by metric").meta({ governed: true }),
  judgeBy: z
    .enum(["value", "interval"])
    .optional()
    .describe(
      "what must pass a threshold: the value (when left out), or its whole 95 % interval, so that few rows cannot pass by luck",
    )
    .meta({ governed: true }),
  protected: z.array(columnName).max(10).default([]).describe("protected attributes, for fairness").meta({ governed: true }),
  bands: z
    .record(columnName, z.array(z.number()).min(1).max(10))
    .optional()
    .describe("where a numeric protected attribute is cut into groups, such as `age: [25, 60]`; by quartiles when left out")
    .meta({ governed: true }),
  fairness: z
    .strictObject({
      ...byName(fairnessMeasures, limit),
      minimumRows: z
        .int()
        .min(5)
        .max(100_000)
        .optional()
        .describe(`groups of fewer rows are shown, not compared; ${defaultFairnessMinimum} when left out`),
    })
    .optional()
    .describe(
      "limits of the gaps between the groups of a protected attribute; a difference in selection rate above 0.2 warns when left out",
    )
    .meta({ governed: true }),
  slices: z
    .array(
      z.union([
        columnName.describe("a request column, each of its values (or quartiles) a slice"),
        z.strictObject({
          name: z.string().min(1).max(60),
          where: z.string().min(1).max(500).describe("a condition in SQL over the request columns"),
        }),
      ]),
    )
    .min(1)
    .max(50)
    .optional()
    .describe(
      "parts of the rows that are looked at by themselves; by the values and quartiles of the request columns when left out",
    ),
  costs: z
    .strictObject({
      falsePositive: z.number().min(0).describe("of one row wrongly called positive"),
      falseNegative: z.number().min(0).describe("of one positive row that was missed"),
    })
    .optional()
    .describe("what a wrong decision costs, in any unit: the best threshold is told, and what the deployed one loses against it")
    .meta({ governed: true }),
  quantile: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe("of the pinball loss, for a regression that predicts a quantile; 0.5 when left out")
    .meta({ governed: true }),
  bootstrapRounds: z.int().min(50).max(5000).default(300).describe("resamples behind each interval"),
});

export type EvaluateDefinition = z.output<typeof evaluateSchema>;
