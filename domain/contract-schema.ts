import { z } from "zod";
import { documentation } from "./contract-documentation.ts";
import { logicalTypes, optionFaults, typeOptions } from "./contract-options.ts";
import { qualityRule } from "./contract-quality.ts";

/**
 * The Open Data Contract Standard 3.1 (Bitol), as Countersign checks data against it. What documents
 * only (descriptions, tags, roles, prices …) is accepted and kept; what promises something that
 * nobody would check is refused, so that no contract looks stricter than it is.
 */
const reference = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$/, "must be table.column");
const references = z.union([reference, z.array(reference).min(1)]);
const foreignKey = {
  id: z.unknown().optional(),
  description: z.unknown().optional(),
  type: z.literal("foreignKey").default("foreignKey"),
  customProperties: z.unknown().optional(),
};
const columnRelationship = z.strictObject({
  ...foreignKey,
  to: reference.describe("the column in which every value must stand"),
});
const tableRelationship = z.strictObject({ ...foreignKey, from: references, to: references }).superRefine((value, context) => {
  if (listed(value.from).length !== listed(value.to).length)
    context.addIssue({ code: "custom", message: "from and to must name as many columns", path: ["to"] });
  for (const end of ["from", "to"] as const)
    if (new Set(listed(value[end]).map((one) => one.split(".")[0])).size > 1)
      context.addIssue({ code: "custom", message: "must name columns of one table", path: [end] });
});

function listed(value: string | string[]): string[] {
  return typeof value === "string" ? [value] : value;
}

const nested = z
  .never({
    error: "describes what lies inside a value, which is not checked here: leave it out, or bring it into columns of its own",
  })
  .optional();

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
    encryptedName: z.string().optional(),
    partitioned: z.boolean().optional(),
    partitionKeyPosition: z.int().optional(),
    examples: z.array(z.unknown()).optional(),
    criticalDataElement: z.boolean().optional(),
    properties: nested,
    items: nested,
    relationships: z.array(columnRelationship).default([]),
    transformLogic: z.unknown().optional(),
    transformDescription: z.unknown().optional(),
    transformSourceObjects: z.unknown().optional(),
    quality: z.array(qualityRule).default([]),
  })
  .superRefine((value, context) => {
    for (const { option, message } of optionFaults(value.logicalType, value.logicalTypeOptions))
      context.addIssue({ code: "custom", message, path: ["logicalTypeOptions", option] });
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
    relationships: z.array(tableRelationship).default([]),
    quality: z.array(qualityRule).default([]),
  })
  .superRefine((value, context) => {
    for (const [index, { from }] of value.relationships.entries())
      if (listed(from).some((one) => one.split(".")[0] !== value.name))
        context.addIssue({
          code: "custom",
          message: `must name columns of ${value.name}`,
          path: ["relationships", index, "from"],
        });
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

/** Of the levels of service that ODCS lets anybody name, the age of the data is looked at. */
export const checkedServiceLevels = ["freshness", "latency"];
const serviceLevel = z
  .strictObject({
    id: z.unknown().optional(),
    property: z.string().min(1),
    value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
    valueExt: z.unknown().optional(),
    unit: z.string().optional(),
    element: z.string().optional(),
    driver: z.unknown().optional(),
    description: z.unknown().optional(),
    scheduler: z.unknown().optional(),
    schedule: z.unknown().optional(),
  })
  .superRefine((value, context) => {
    if (!checkedServiceLevels.includes(value.property)) return;
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", message, path: [path] });
    if (typeof value.value !== "number" || value.value <= 0) refuse("value", "must be a number above 0");
    if (hoursOf(value.unit) === null) refuse("unit", "must be minutes, hours (h), days (d), weeks, months or years (y)");
    if (value.element === undefined || !reference.safeParse(value.element).success)
      refuse("element", "must be the table.column whose newest time counts");
  });

/** Hours of a unit of time, as ODCS writes them; null for another. */
export function hoursOf(unit: string | undefined): number | null {
  const hours: [RegExp, number][] = [
    [/^(min|minutes?)$/i, 1 / 60],
    [/^(h|hr|hours?)$/i, 1],
    [/^(d|days?)$/i, 24],
    [/^(w|weeks?)$/i, 7 * 24],
    [/^(mo|months?)$/i, 30 * 24],
    [/^(y|yr|years?)$/i, 365 * 24],
  ];
  return hours.find(([words]) => words.test(unit ?? ""))?.[1] ?? null;
}

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
  slaDefaultElement: z.unknown().optional(),
  slaProperties: z.array(serviceLevel).default([]),
  schema: z
    .array(table)
    .refine((tables) => tables.length > 0, "must describe a table, named as a source of the definition is named")
    .describe("the tables, each named as a source of the definition is named"),
});

export type DataContract = z.output<typeof contractSchema>;
export type ContractTable = DataContract["schema"][number];
export type ContractColumn = ContractTable["properties"][number];
export type QualityRule = ContractTable["quality"][number];
