import { z } from "zod";

/**
 * The part of the Open Data Contract Standard 3.1 (Bitol) that Countersign checks data against.
 * What documents only (descriptions, tags, roles, prices …) is accepted and kept; what promises
 * something that nobody would check is refused, so that no contract looks stricter than it is.
 */
const documentation = {
  id: z.unknown().optional(),
  description: z.unknown().optional(),
  businessName: z.unknown().optional(),
  tags: z.unknown().optional(),
  customProperties: z.unknown().optional(),
  authoritativeDefinitions: z.unknown().optional(),
  physicalType: z.string().optional(),
};

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
    .enum(["error", "warning"])
    .default("error")
    .describe("a failing error blocks the release, a failing warning is shown at the gate"),
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
        validValues: z.array(scalar).min(1).optional(),
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
    unit: z.literal("rows").optional(),
  })
  .superRefine(oneOperator);

const textRule = z.strictObject({ ...ruleBase, type: z.literal("text") });

const qualityRule = z.preprocess(
  // `type` may be left out for library rules; the discriminated union needs it.
  (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) && !("type" in value)
      ? { type: "library", ...value }
      : value,
  z.discriminatedUnion("type", [libraryRule, sqlRule, textRule], {
    error: "must be library, sql or text; other types are not checked here",
  }),
);

export const logicalTypes = ["string", "integer", "number", "boolean", "date", "timestamp"] as const;
export type LogicalType = (typeof logicalTypes)[number];

const limit = z.union([z.number(), z.string()]);
const typeOptions = z.strictObject({
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
  pattern: z.string().optional().describe("a regular expression that the whole value or a part of it matches"),
  minimum: limit.optional(),
  maximum: limit.optional(),
  exclusiveMinimum: limit.optional(),
  exclusiveMaximum: limit.optional(),
  multipleOf: z.number().positive().optional(),
});
const textOptions = ["minLength", "maxLength", "pattern"];

const property = z
  .strictObject({
    ...documentation,
    name: z.string().min(1),
    physicalName: z.string().optional().describe("the column's name, where it is not `name`"),
    logicalType: z.enum(logicalTypes).optional(),
    logicalTypeOptions: typeOptions.default({}),
    required: z.boolean().default(false),
    unique: z.boolean().default(false),
    primaryKey: z.boolean().default(false),
    primaryKeyPosition: z.int().optional(),
    classification: z.unknown().optional(),
    examples: z.array(z.unknown()).optional(),
    criticalDataElement: z.boolean().optional(),
    transformLogic: z.unknown().optional(),
    transformDescription: z.unknown().optional(),
    transformSourceObjects: z.unknown().optional(),
    quality: z.array(qualityRule).default([]),
  })
  .superRefine((value, context) => {
    const type = value.logicalType;
    for (const [option, given] of Object.entries(value.logicalTypeOptions)) {
      const path = ["logicalTypeOptions", option];
      if (textOptions.includes(option) && type !== "string")
        context.addIssue({ code: "custom", message: "is for logicalType string", path });
      if (textOptions.includes(option) || given === undefined) continue;
      const numeric = type === "integer" || type === "number";
      if (!numeric && (option === "multipleOf" || (type !== "date" && type !== "timestamp")))
        context.addIssue({ code: "custom", message: "is for logicalType integer or number", path });
      else if (numeric !== (typeof given === "number"))
        context.addIssue({
          code: "custom",
          message: `must be a ${numeric ? "number" : "date as text"}`,
          path,
        });
    }
    for (const [index, rule] of value.quality.entries())
      if (rule.type === "library" && rule.metric === "rowCount")
        context.addIssue({
          code: "custom",
          message: "rowCount belongs to the table, not to a column",
          path: ["quality", index, "metric"],
        });
  });

const table = z
  .strictObject({
    ...documentation,
    name: z.string().min(1).describe("the source of the definition that this describes"),
    logicalType: z.literal("object").optional(),
    physicalName: z.string().optional(),
    dataGranularityDescription: z.unknown().optional(),
    properties: z.array(property).default([]),
    quality: z.array(qualityRule).default([]),
  })
  .superRefine((value, context) => {
    for (const [index, rule] of value.quality.entries()) {
      if (rule.type !== "library" || rule.metric === "rowCount") continue;
      const path = ["quality", index, "metric"];
      if (rule.metric !== "duplicateValues")
        context.addIssue({ code: "custom", message: `${rule.metric} belongs to a column`, path });
      else if (rule.arguments.properties === undefined)
        context.addIssue({
          code: "custom",
          message: "needs arguments.properties at a table",
          path: ["quality", index, "arguments"],
        });
    }
    const names = value.properties.map((column) => column.name);
    for (const [index, name] of names.entries())
      if (names.indexOf(name) < index)
        context.addIssue({
          code: "custom",
          message: `${name} is described twice`,
          path: ["properties", index, "name"],
        });
  });

export const contractSchema = z.strictObject({
  ...documentation,
  apiVersion: z.string().regex(/^v3\.[01]\.\d+$/, "must be v3.1.0 (ODCS 3.0 and 3.1 are read)"),
  kind: z.literal("DataContract"),
  id: z.string().optional(),
  name: z.string().optional(),
  version: z.union([z.string(), z.number()]).optional(),
  status: z.string().optional(),
  tenant: z.unknown().optional(),
  domain: z.unknown().optional(),
  dataProduct: z.unknown().optional(),
  contractCreatedTs: z.unknown().optional(),
  servers: z.unknown().optional(),
  price: z.unknown().optional(),
  team: z.unknown().optional(),
  roles: z.unknown().optional(),
  support: z.unknown().optional(),
  slaProperties: z.unknown().optional(),
  slaDefaultElement: z.unknown().optional(),
  schema: z.array(table).min(1),
});

export type DataContract = z.output<typeof contractSchema>;
export type ContractTable = DataContract["schema"][number];
export type ContractColumn = ContractTable["properties"][number];
export type QualityRule = ContractTable["quality"][number];
