import { z } from "zod";
import { decisionKinds } from "../gate.ts";
import { type Digest, digestPattern, modelNamePattern, releaseIdPattern } from "../ids.ts";
import { unblockActions } from "../signed-command.ts";
import type { ReleaseParameters } from "../stage-results.ts";
import { stages } from "../stages.ts";

/** What people and programs send. One set of schemas checks requests, makes the OpenAPI document and types the CLI. */
const releaseIdSchema = z.string().regex(releaseIdPattern, "is no release id").meta({ example: "flight-delays.3" });
/** The pattern is that of the type, which a regular expression cannot tell the compiler. */
export const digestSchema = z
  .string()
  .regex(digestPattern, "must be sha256: and 64 hexadecimal digits")
  .meta({ example: `sha256:${"0".repeat(64)}` }) as unknown as z.ZodType<Digest, Digest>;
const environmentSchema = z.string().regex(modelNamePattern, "is no environment's name").meta({ example: "production" });
/** Long enough for a paragraph; a reason is shown in lists and kept for good. */
const reasonSchema = z.string().trim().min(3, "say why, in a few words").max(2000);

/** From JSON no member comes as undefined; the document's generator does not know zod's exactOptional, which would say so in the type. */
export const releaseParametersSchema = z
  .strictObject({
    until: z
      .string()
      .regex(/^\d{4}-(0[1-9]|1[0-2])$/, "must be a month such as 2013-03")
      .optional(),
    months: z.int().min(1).max(120).optional(),
    seed: z
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .optional(),
    train: z.record(z.string().min(1).max(60), z.union([z.number(), z.string().max(2000), z.boolean()])).optional(),
    limits: z
      .strictObject({
        minutes: z
          .number()
          .positive()
          .max(24 * 60)
          .optional(),
        memoryMb: z.int().min(64).max(1_000_000).optional(),
        outputMb: z.int().min(1).max(10_000).optional(),
      })
      .optional(),
  })
  .meta({
    id: "ReleaseParameters",
    description: "What one release changes against its definition.",
  }) as unknown as z.ZodType<ReleaseParameters, ReleaseParameters>;

export const releaseRequestSchema = z
  .strictObject({ reason: reasonSchema, parameters: releaseParametersSchema.default({}) })
  .meta({ id: "ReleaseRequest" });

export const unblockRequestSchema = z
  .strictObject({
    action: z.enum(unblockActions),
    reason: reasonSchema,
    parameters: releaseParametersSchema.default({}),
  })
  .refine((body) => body.action === "retry" || Object.keys(body.parameters).length === 0, {
    path: ["parameters"],
    message: "only a retry takes parameters",
  })
  .meta({ id: "UnblockRequest" });

/** withdraw, pause, resume, retire */
export const reasonRequestSchema = z.strictObject({ reason: reasonSchema }).meta({ id: "ReasonRequest" });

/** Everything that a second training needs stands in the version. */
export const reproductionRequestSchema = z.strictObject({}).meta({ id: "ReproductionRequest" });

export const rollbackRequestSchema = z
  .strictObject({
    environment: environmentSchema.default("production"),
    to: releaseIdSchema.nullable().default(null).describe("the version to go back to; left out: the previous champion"),
    reason: reasonSchema,
  })
  .meta({ id: "RollbackRequest" });

export const breakGlassRequestSchema = z
  .strictObject({
    action: z.enum(["promote", "rollback"]),
    environment: environmentSchema.default("production"),
    version: releaseIdSchema
      .nullable()
      .default(null)
      .describe("to promote or to go back to; to go back, left out: the champion before"),
    reason: reasonSchema,
  })
  .refine((body) => body.action === "rollback" || body.version !== null, {
    path: ["version"],
    message: "name the version to promote",
  })
  .meta({ id: "BreakGlassRequest" });

export const decisionRequestSchema = z
  .strictObject({
    decision: z.enum(decisionKinds),
    digest: digestSchema.describe("of the request that is decided on: what was seen is what is signed"),
    seen: digestSchema.nullable().default(null).describe("of what was rendered to the person; it is kept"),
    reason: z.string().trim().max(2000).nullable().default(null).describe("required but for `approve`"),
    inputs: z.record(z.string().min(1).max(60), z.union([z.number(), z.string().max(200), z.boolean()])).default({}),
    conditions: z
      .array(
        z.strictObject({
          finding: z.string().min(1).max(200),
          by: z.iso.datetime().overwrite((text) => new Date(text).toISOString()),
        }),
      )
      .max(20)
      .default([]),
    returnTo: z.enum(stages).nullable().default(null).describe("with `request-changes`: the stage to go back to"),
    parameters: releaseParametersSchema.default({}).describe("with `request-changes`: what the next release should change"),
  })
  .meta({ id: "DecisionRequest" });
export type DecisionRequest = z.output<typeof decisionRequestSchema>;

/** Several decisions at once; each gets its own receipt. */
export const decisionsRequestSchema = z
  .strictObject({
    decisions: z
      .array(z.looseObject({ gate: z.string().min(1).max(200) }))
      .min(1)
      .max(50)
      .describe("each as for `POST /api/gates/{id}/decisions`, with the gate's id"),
  })
  .meta({ id: "DecisionsRequest" });

export const renderingRequestSchema = z
  .strictObject({
    mediaType: z.enum(["text/plain", "text/html", "application/json"]),
    text: z.string().min(1).max(1_000_000),
  })
  .meta({ id: "RenderingRequest" });

export const predictionRequestSchema = z
  .strictObject({
    instances: z
      .array(z.record(z.string(), z.unknown()))
      .min(1)
      .max(10_000)
      .describe("one object of request columns an instance"),
    key: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe("the caller's own name for this request; it is kept with the predictions"),
  })
  .meta({ id: "PredictionRequest" });

export const pageQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: z.string().max(200).optional().describe("the `next` of the page before"),
});
