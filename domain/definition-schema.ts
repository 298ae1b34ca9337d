import { acceptableFindings } from "./data-finding.ts";
import { z } from "zod";
import { evaluateSchema } from "./evaluate-schema.ts";
import { modelNamePattern, principalPattern } from "./ids.ts";
import { maturities, tiers } from "./policy.ts";
import { tasks } from "./task.ts";
import { trainSchema } from "./train-schema.ts";

/**
 * What a team writes about a model. One schema checks it in the CLI, in the API and in tests, and
 * docs/definition.md is generated from it. `governed` marks fields whose loosening needs a gate.
 */
const columnName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "must be a plain column name (letters, digits, underscore)");
const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, "must be a month such as 2013-03");
const relativePath = z
  .string()
  .min(1)
  .refine(
    (path) => !path.startsWith("/") && !path.split("/").includes("..") && !path.includes("\\"),
    "must be a relative path, without ..",
  );

const fileReference = z.strictObject({
  file: relativePath.describe("a file beside the definition; `countersign apply` puts its text in its place"),
});

export const sourceFormats = ["parquet", "csv", "jsonl"] as const;
export type SourceFormat = (typeof sourceFormats)[number];
export const encodings = ["utf-8", "utf-16", "latin-1"] as const;
export type Encoding = (typeof encodings)[number];

/** `scheme://` at its beginning. */
const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;
const fileLocation = z
  .string()
  .min(1)
  .max(1_000)
  .superRefine((location, context) => {
    const refuse = (message: string) => context.addIssue({ code: "custom", message });
    const found = scheme.exec(location)?.[1]?.toLowerCase();
    if (found === undefined) {
      if (location.startsWith("/") || location.split("/").includes("..") || location.includes("\\"))
        refuse("must be a relative path without .., an https:// address or s3://bucket/key");
    } else if (found === "s3") {
      if (!/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/./.test(location)) refuse("must be s3://bucket/key");
    } else if (found !== "http" && found !== "https") refuse(`names the scheme ${found}; http, https and s3 are read`);
    else if (/^[^/]*\/\/[^/]*@/.test(location)) refuse("must hold no password: nothing secret belongs into a definition");
    else if (!/^https?:\/\/[^\s/?#]+(?:[/?#]\S*)?$/i.test(location)) refuse("is no address");
  });

export const sourceSchema = z.strictObject({
  files: fileLocation
    .optional()
    .describe(
      "Parquet, CSV or JSON Lines: a path below the data root, an `https://` address or `s3://bucket/key`; `{month}` stands for each month of the window, as 2013-03; `*` matches within a name",
    ),
  query: z
    .strictObject({
      connection: z
        .string()
        .regex(/^[a-z][a-z0-9_]{0,40}$/, "must be lower-case letters, digits and underscores")
        .describe("a PostgreSQL database, by the name under which the operator gave it to the worker: COUNTERSIGN_SOURCE_<NAME>"),
      sql: z.string().min(1).max(50_000).describe("one SELECT; it runs in a transaction that only reads"),
    })
    .optional()
    .describe("rows of a database, in place of files"),
  format: z.enum(sourceFormats).optional().describe("where the ending of the name does not tell it"),
  encoding: z.enum(encodings).optional().describe("of CSV files; utf-8 when left out"),
  window: z
    .strictObject({
      months: z.int().min(1).max(120).describe("how many months"),
      until: month.describe("the last month, inclusive"),
    })
    .optional()
    .describe("which months to read: by `{month}` in the name, or else by the column `time`"),
  time: columnName.optional().describe("the column that says when a row happened; needed to split by time"),
});

export const columnTypes = ["string", "number", "integer", "boolean", "timestamp"] as const;
export type ColumnType = (typeof columnTypes)[number];

/** A lookup joined as of a moment. */
const asOfSchema = z.strictObject({
  key: z.record(columnName, columnName).describe("columns of the lookup, each with the request column that must equal it"),
  time: columnName.describe("the lookup's column that says from when on its row holds"),
  at: columnName.describe("the request column with the moment that is asked about"),
  ttl: z
    .string()
    .regex(/^[1-9]\d{0,5}(m|h|d)$/, "must be minutes, hours or days, such as 30m, 12h or 7d")
    .optional()
    .describe("a row older than this counts as none"),
});

const sqlText = z.union([z.string().min(1).max(100_000), fileReference]);

export const definitionSchema = z.strictObject({
  model: z
    .string()
    .regex(modelNamePattern, "must be lower-case letters, digits and hyphens, beginning with a letter (63 at most)")
    .describe("the model's name"),
  title: z.string().min(3).max(200).describe("the question it answers, in a sentence"),
  owner: z
    .strictObject({
      team: z.string().regex(principalPattern).describe("the group that owns the model and may change it"),
      person: z.string().regex(principalPattern).describe("the named owner, who never decides on its gates"),
    })
    .describe("who answers for the model")
    .meta({ governed: true }),
  tier: z.enum(tiers).describe("risk tier; chooses the policy").meta({ governed: true }),
  maturity: z
    .enum(maturities)
    .default("managed")
    .describe("how much structure the team wants; chooses the policy")
    .meta({ governed: true }),
  data: z.strictObject({
    sources: z.record(columnName, sourceSchema).describe("named tables"),
    rows: columnName.describe("the source whose rows are the examples"),
  }),
  contract: z
    .union([z.looseObject({ apiVersion: z.string(), kind: z.literal("DataContract") }), fileReference])
    .describe("the data contract, ODCS 3.1"),
  features: z.strictObject({
    request: z
      .record(columnName, z.enum(columnTypes))
      .describe("the columns known when a prediction is asked for; the only ones that features may use"),
    lookups: z.array(columnName).max(20).default([]).describe("sources that the SQL may join and that serving keeps in memory"),
    asOf: z
      .record(columnName, asOfSchema)
      .optional()
      .describe(
        "lookups that change with time: the SQL sees at most one row of each for a request row, by `row_id`: the newest of its key at the request's moment",
      ),
    sql: sqlText.describe(
      "one SELECT over `request` and the lookups that gives `row_id` and one column a feature, one row a request row",
    ),
    accept: z
      .array(
        z.strictObject({
          finding: z
            .enum(acceptableFindings)
            .describe("a feature that gives the label away, or holdout rows that training has seen"),
          features: z.array(columnName).min(1).max(2).optional().describe("the feature, or the two, that `leakage` names"),
          reason: z.string().min(10).max(500).describe("why it is right to go on; shown at the gate"),
        }),
      )
      .max(20)
      .optional()
      .describe("certain leakage that would block the release otherwise")
      .meta({ governed: true }),
  }),
  label: z.strictObject({
    sql: z
      .string()
      .min(1)
      .max(2000)
      .describe(
        "an expression over the row source: boolean for binary, text for multiclass, a number for regression; rows where it is null are left out",
      ),
    task: z.enum(tasks).optional().describe("what is predicted; binary when left out"),
    name: z.string().min(1).max(60).default("positive").describe("what a positive is called"),
  }),
  split: z
    .strictObject({
      by: z
        .enum(["time", "random", "group", "stratified"])
        .default("time")
        .describe("latest rows; a seeded draw of rows; of whole groups; of rows with the label's shares kept"),
      group: columnName.optional().describe("the column of the row source whose equal values stay together, for `by: group`"),
      holdout: z
        .number()
        .min(0.05)
        .max(0.5)
        .default(0.25)
        .describe("the share held out for evaluation: the latest rows by time, or a seeded draw"),
    })
    .prefault({})
    .meta({ governed: true }),
  train: trainSchema.prefault({}),
  evaluate: evaluateSchema,
  deploy: z
    .strictObject({
      environment: z.string().regex(modelNamePattern).default("production"),
      threshold: z.number().gt(0).lt(1).default(0.5).describe("probability from which the label is given"),
    })
    .prefault({}),
  monitor: z
    .strictObject({
      minimumRows: z
        .int()
        .min(10)
        .max(1_000_000)
        .default(200)
        .describe("fewer predictions than this in a window give no verdict"),
      drift: z
        .strictObject({
          warn: z.number().positive().default(0.1),
          alert: z.number().positive().default(0.25),
        })
        .prefault({})
        .describe("effect size (PSI or Jensen–Shannon) from which drift is noticed"),
    })
    .prefault({})
    .meta({ governed: true }),
});

export type Definition = z.output<typeof definitionSchema>;
export type SourceDefinition = z.output<typeof sourceSchema>;

/** A definition whose files have been put in place: what the API accepts and what runs. */
export type ResolvedDefinition = Omit<Definition, "contract" | "features"> & {
  contract: Record<string, unknown>;
  features: Omit<Definition["features"], "sql"> & { sql: string };
};
