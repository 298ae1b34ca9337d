import { z } from "zod";
import type { ResolvedDefinition } from "../definition-schema.ts";
import { metricNames, type MetricRow, type MonitorWindow } from "../evidence.ts";
import { decisionKinds, resolutions } from "../gate.ts";
import { modelStates } from "../lifecycle.ts";
import { maturities, tiers } from "../policy.ts";
import { reproductionStates } from "../reproduction.ts";
import { digestSchema } from "./requests.ts";

/** What is answered about models, their slots, versions, predictions and monitoring. */
const time = z.string().meta({ format: "date-time" });
const links = z.object({ self: z.string(), console: z.string(), temporal: z.string() });

export const modelItemSchema = z
  .object({
    model: z.string(),
    title: z.string(),
    owner: z.object({ team: z.string(), person: z.string() }),
    tier: z.enum(tiers),
    maturity: z.enum(maturities),
    state: z.enum(modelStates),
    definitionDigest: digestSchema,
    slots: z.array(
      z.object({
        environment: z.string(),
        epoch: z.int(),
        champion: z.object({ version: z.string(), since: time }).nullable(),
        canary: z.null(),
        shadow: z.null(),
        lapsed: z
          .object({ version: z.string(), at: time, why: z.string() })
          .nullable()
          .describe("a version that served here and whose approval holds no more, until another one is promoted"),
      }),
    ),
    waiting: z
      .array(z.object({ gate: z.string(), about: z.enum(["definition", "retirement"]), ask: z.string(), deadline: time }))
      .describe("open gates about the model itself"),
    retired: z.object({ at: time, by: z.string(), reason: z.string(), gate: z.string().nullable() }).nullable(),
    activeRelease: z.string().nullable(),
    findings: z.array(z.object({ kind: z.string(), message: z.string(), at: time })),
    breakGlass: z
      .object({ open: z.int(), overdue: z.int(), total: z.int(), reviews: z.array(z.string()) })
      .describe("how often it was used, and which reviews wait"),
    actions: z
      .array(z.enum(["release", "define", "rollback", "pause", "resume", "retire", "break-glass"]))
      .describe("what the caller may do with it now"),
    updatedAt: time,
    links,
  })
  .meta({ id: "ModelItem" });
export type ModelItemView = z.output<typeof modelItemSchema>;

const definitionView = z
  .custom<ResolvedDefinition>((value) => typeof value === "object" && value !== null)
  .meta({
    id: "ResolvedDefinition",
    type: "object",
    description: "The definition with its files in place; docs/definition.md describes it.",
  });

export const modelSchema = z.object({ ...modelItemSchema.shape, definition: definitionView }).meta({ id: "Model" });
export type ModelView = z.output<typeof modelSchema>;

export const definitionAppliedSchema = z
  .object({
    model: z.string(),
    definitionDigest: digestSchema.describe("what was sent; with a gate it is in force once that is approved"),
    gate: z.string().nullable().describe("the gate that a loosened definition passes first; null: it is in force"),
    governed: z
      .array(z.object({ path: z.string(), direction: z.enum(["loosened", "tightened", "changed"]), sentence: z.string() }))
      .describe("the governed fields that changed"),
  })
  .meta({ id: "DefinitionApplied" });
export type DefinitionAppliedView = z.output<typeof definitionAppliedSchema>;

export const modelStateSchema = z
  .object({
    model: z.string(),
    state: z.enum(modelStates),
    gate: z.string().nullable().describe("the gate that a retirement passes first, where the policy has one"),
  })
  .meta({ id: "ModelState" });

export const rolledBackSchema = z
  .object({
    deployment: z.object({
      id: z.string(),
      environment: z.string(),
      version: z.string(),
      epoch: z.int(),
    }),
  })
  .meta({ id: "RolledBack" });
export type RolledBackView = z.output<typeof rolledBackSchema>;

export const brokeGlassSchema = z
  .object({
    ...rolledBackSchema.shape,
    review: z.string().describe("the gate at which others look at it"),
  })
  .meta({ id: "BrokeGlass" });
export type BrokeGlassView = z.output<typeof brokeGlassSchema>;

const metricRow = z
  .custom<MetricRow>((value) => typeof value === "object" && value !== null)
  .meta({
    id: "MetricRow",
    type: "object",
    description: `One of ${metricNames.join(", ")}: candidate, champion and change with 95 % intervals, threshold, verdict.`,
  });

const approvalView = z
  .object({
    id: z.string(),
    kind: z.enum(["gate", "policy", "break-glass"]),
    environment: z.string(),
    gate: z.string().nullable(),
    policy: z.object({ id: z.string(), version: z.int() }),
    by: z.array(z.string()).describe("who approved; empty when the policy asks for nobody"),
    at: time,
    revokedAt: time.nullable(),
    revokedWhy: z.string().nullable().describe("why it holds no more"),
  })
  .meta({ id: "Approval" });

export const versionItemSchema = z
  .object({
    id: z.string(),
    model: z.string(),
    release: z.string(),
    digest: digestSchema,
    createdAt: time,
    aliases: z.array(z.string()).describe("such as `production/champion`"),
    approvals: z.array(approvalView),
    links,
  })
  .meta({ id: "VersionItem" });
export type VersionItemView = z.output<typeof versionItemSchema>;

export const reproductionSchema = z
  .object({
    id: z.string().describe("of the command that asked for it"),
    version: z.string(),
    state: z
      .enum(reproductionStates)
      .describe("`same`: the same bytes; `other`: other bytes; `lost`: its workflow ended without an answer"),
    requestedBy: z.string(),
    at: time,
    endedAt: time.nullable(),
    digest: digestSchema.nullable().describe("of the model that the second training made"),
    differs: z
      .array(z.object({ what: z.string(), recorded: z.string().nullable(), now: z.string().nullable() }))
      .describe(
        "digest, size, trainer, seed, parameters, environment, files one by one, and the first place at which the ONNX graphs differ; with the same bytes what is otherwise all the same",
      ),
    effects: z
      .array(z.object({ metric: z.string(), recorded: z.number().nullable(), now: z.number() }))
      .describe("of both models on the same holdout; empty with the same bytes"),
    fault: z.object({ code: z.string(), message: z.string() }).nullable().describe("why it could not be trained again"),
  })
  .meta({ id: "Reproduction" });
export type ReproductionView = z.output<typeof reproductionSchema>;

export const reproductionAskedSchema = z
  .object({
    reproduction: z.string().describe("the one that answers: of an earlier request, where that still runs"),
    version: z.string(),
  })
  .meta({ id: "ReproductionAsked" });
export type ReproductionAskedView = z.output<typeof reproductionAskedSchema>;

export const versionSchema = z
  .object({
    ...versionItemSchema.shape,
    digests: z
      .object({
        model: digestSchema,
        data: digestSchema,
        code: digestSchema,
        features: digestSchema,
        trainData: digestSchema,
        evaluation: digestSchema.nullable(),
      })
      .describe("`code` is the definition with its SQL"),
    threshold: z.number(),
    labelName: z.string(),
    trainer: z.object({
      name: z.string(),
      seed: z.int(),
      parameters: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
      environment: z.record(z.string(), z.string()),
    }),
    runtime: z.object({ onnxruntime: z.string(), duckdb: z.string() }),
    metrics: z.array(metricRow),
    verdict: z.enum(["pass", "warn", "fail"]).nullable(),
    served: z.array(
      z.object({
        deployment: z.string(),
        environment: z.string(),
        kind: z.enum(["promote", "rollback"]),
        epoch: z.int(),
        share: z.number(),
        by: z.string(),
        from: time,
        until: time.nullable(),
      }),
    ),
    reproductions: z.array(reproductionSchema).describe("newest first, twenty at most"),
    actions: z.array(z.enum(["reproduce"])).describe("what the caller may do with it now"),
  })
  .meta({ id: "Version" });
export type VersionView = z.output<typeof versionSchema>;

export const predictionSchema = z
  .object({
    id: z.string(),
    key: z.string().nullable(),
    model: z.string(),
    environment: z.string(),
    at: time,
    epoch: z.int(),
    request: z.record(z.string(), z.unknown()),
    label: z.string().nullable().describe("null for a regression"),
    probability: z.number().nullable().describe("of the positive class, or of the label; null for a regression"),
    probabilities: z.record(z.string(), z.number()).nullable().describe("by class, of a model with several"),
    value: z.number().nullable().describe("of a regression"),
    version: z.object({ id: z.string(), digest: digestSchema }),
    release: z.string(),
    approval: z
      .object({
        kind: z.enum(["gate", "policy", "break-glass"]),
        at: time,
        policy: z.object({ id: z.string(), version: z.int() }),
        gate: z.string().nullable(),
        resolution: z.enum(resolutions).nullable(),
        requestDigest: digestSchema.nullable(),
        evidence: digestSchema.nullable().describe("of the evaluation that was shown"),
        decisions: z.array(
          z.object({
            by: z.string(),
            decision: z.enum(decisionKinds),
            reason: z.string().nullable(),
            at: time,
            counted: z.boolean(),
          }),
        ),
      })
      .nullable(),
    links: z.object({
      self: z.string(),
      version: z.string(),
      release: z.string(),
      gate: z.string().nullable(),
    }),
  })
  .meta({
    id: "Prediction",
    description: "From a prediction to its version, its release, and who approved it on which evidence.",
  });
export type PredictionView = z.output<typeof predictionSchema>;

const windowView = z
  .custom<MonitorWindow & { environment: string; version: string }>((value) => typeof value === "object" && value !== null)
  .meta({
    id: "MonitorWindow",
    type: "object",
    description: "One look at a window of predictions: rows, verdict, effect size a column.",
  });

export const monitoringSchema = z
  .object({
    model: z.string(),
    thresholds: z.object({ minimumRows: z.int(), warn: z.number(), alert: z.number() }),
    enrolments: z.array(
      z.object({
        environment: z.string(),
        version: z.string(),
        profile: digestSchema,
        since: time,
      }),
    ),
    volume: z.array(z.object({ environment: z.string(), lastHour: z.int(), lastDay: z.int(), total: z.int() })),
    windows: z.array(windowView).describe("newest first"),
    findings: modelItemSchema.shape.findings,
    links,
  })
  .meta({ id: "Monitoring" });
export type MonitoringView = z.output<typeof monitoringSchema>;
