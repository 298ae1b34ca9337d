import { z } from "zod";
import { documentation } from "./contract-documentation.ts";

const operators = {
  mustBe: z.number().optional(),
  mustNotBe: z.number().optional(),
  mustBeGreaterThan: z.number().optional(),
  mustBeGreaterOrEqualTo: z.number().optional(),
  mustBeLessThan: z.number().optional(),
  mustBeLessOrEqualTo: z.number().optional(),
  mustBeBetween: z.tuple([z.number(), z.number()]).optional(),
  mustNotBeBetween: z.tuple([z.number(), z.number()]).optional(),
};
export type Operator = keyof typeof operators;
// The keys of the object above are exactly the operators.
export const operatorNames = Object.keys(operators) as Operator[];

const ruleBase = {
  ...documentation,
  name: z.string().optional(),
  dimension: z.string().optional(),
  method: z.string().optional(),
  businessImpact: z.string().optional(),
  scheduler: z.string().optional(),
  schedule: z.string().optional(),
  severity: z
    .enum(["error", "warning", "info"])
    .default("error")
    .describe("a failing error blocks the release, a failing warning is shown at the gate, an info stands in the report alone"),
};

function oneOperator(rule: { [key in Operator]?: unknown }, context: z.core.$RefinementCtx): void {
  const given = operatorNames.filter((name) => rule[name] !== undefined);
  if (given.length !== 1)
    context.addIssue({
      code: "custom",
      message: `needs exactly one of ${operatorNames.join(", ")}`,
      path: [],
    });
}

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const libraryRule = z
  .strictObject({
    ...ruleBase,
    ...operators,
    type: z.literal("library").default("library"),
    metric: z.enum(["nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"]),
    unit: z.enum(["rows", "percent"]).default("rows"),
    arguments: z
      .strictObject({
        missingValues: z.array(scalar.nullable()).min(1).optional(),
        // Whether null may stand there is said by nullValues and `required`; among the valid values it changes nothing.
        validValues: z.array(scalar.nullable()).min(1).optional(),
        pattern: z.string().optional(),
        properties: z.array(z.string()).min(1).optional(),
      })
      .default({}),
  })
  .superRefine((rule, context) => {
    oneOperator(rule, context);
    const { validValues, pattern, missingValues } = rule.arguments;
    if (rule.metric === "invalidValues" && (validValues === undefined) === (pattern === undefined))
      context.addIssue({
        code: "custom",
        message: "needs validValues or pattern",
        path: ["arguments"],
      });
    if (rule.metric === "missingValues" && missingValues === undefined)
      context.addIssue({ code: "custom", message: "needs missingValues", path: ["arguments"] });
    if (rule.metric === "rowCount" && rule.unit === "percent")
      context.addIssue({ code: "custom", message: "rowCount counts rows", path: ["unit"] });
  });

const sqlRule = z
  .strictObject({
    ...ruleBase,
    ...operators,
    type: z.literal("sql"),
    query: z
      .string()
      .min(1)
      .max(20_000)
      .describe("one SELECT of one number or boolean; {object} and {property} stand for the table and the column"),
    unit: z.enum(["rows", "percent"]).optional(),
  })
  .superRefine(oneOperator);

const textRule = z.strictObject({ ...ruleBase, type: z.literal("text") });

export const qualityRule = z.preprocess(
  // `type` may be left out for library rules; the discriminated union needs it.
  (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) && !("type" in value)
      ? { type: "library", ...value }
      : value,
  z.discriminatedUnion("type", [libraryRule, sqlRule, textRule], {
    error: "must be library, sql or text: no other engine runs here. Write the rule as sql, or leave it out",
  }),
);
