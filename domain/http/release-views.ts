import { z } from "zod";
import { gateStates, resolutions } from "../gate.ts";
import { releaseActions, releaseOutcomes, releaseStates, triggers, type ReleaseAction } from "../lifecycle.ts";
import { unblockActions } from "../signed-command.ts";
import { stages, stageStates } from "../stages.ts";
import { digestSchema, releaseParametersSchema } from "./requests.ts";

/** What is answered about releases. */
const time = z.string().meta({ format: "date-time" });
const actions = Object.keys(releaseActions) as [ReleaseAction, ...ReleaseAction[]];

export const stageSchema = z
  .object({
    stage: z.enum(stages),
    state: z.enum(stageStates),
    startedAt: time.nullable(),
    endedAt: time.nullable(),
    attempts: z.int(),
    summary: z.string().nullable(),
    hasLog: z.boolean(),
  })
  .meta({ id: "StageView" });

export const blockedSchema = z
  .object({
    stage: z.enum([...stages, "gate"]),
    code: z.string(),
    message: z.string(),
    cure: z.string(),
    faults: z.array(
      z.object({
        path: z.string(),
        message: z.string(),
        line: z.int().optional(),
        column: z.int().optional(),
      }),
    ),
    logTail: z.string().nullable(),
    skippable: z.boolean(),
  })
  .meta({
    id: "BlockedCause",
    description: "Why a release is blocked: a person must say what next.",
  });

const releaseLinks = z.object({ self: z.string(), console: z.string(), temporal: z.string() });

export const releaseSchema = z
  .object({
    id: z.string(),
    model: z.string(),
    number: z.int(),
    state: z.enum(releaseStates),
    outcome: z.enum(releaseOutcomes).nullable(),
    parent: z.string().nullable(),
    next: z.string().nullable(),
    stage: z.enum(stages).nullable(),
    stages: z.array(stageSchema),
    gates: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        state: z.enum(gateStates),
        resolution: z.enum(resolutions).nullable(),
        deadline: time,
      }),
    ),
    version: z.string().nullable(),
    trigger: z.enum(triggers),
    reason: z.string(),
    requestedBy: z.string(),
    parameters: releaseParametersSchema,
    definitionDigest: digestSchema,
    policy: z.object({ id: z.string(), version: z.int() }),
    waitsFor: z.string().nullable().describe("in a sentence"),
    behind: z
      .object({ release: z.string(), blocked: blockedSchema.pick({ stage: true, message: true, cure: true }).nullable() })
      .nullable()
      .describe("the release of the model that a queued one waits for, and why that one is blocked"),
    blocked: blockedSchema.nullable(),
    actions: z.array(z.enum(actions)).describe("what the caller may do with it now"),
    contributors: z
      .array(z.object({ principal: z.string(), how: z.string() }))
      .describe("who may not decide on its gates, and why"),
    createdAt: time,
    endedAt: time.nullable(),
    links: releaseLinks,
  })
  .meta({ id: "Release" });
export type ReleaseView = z.output<typeof releaseSchema>;

export const releaseItemSchema = releaseSchema
  .omit({ stages: true, gates: true, contributors: true })
  .meta({ id: "ReleaseItem", description: "A release in a list." });
export type ReleaseItemView = z.output<typeof releaseItemSchema>;

export const releaseQuerySchema = z.object({
  model: z.string().optional(),
  state: z.enum(releaseStates).optional(),
});

export const releaseRequestedSchema = z
  .object({
    release: z.string(),
    folded: z.boolean().describe("true: the request went into a release that was there"),
    links: releaseLinks,
  })
  .meta({ id: "ReleaseRequested" });
export type ReleaseRequestedView = z.output<typeof releaseRequestedSchema>;

export const unblockedSchema = z.object({ release: z.string(), action: z.enum(unblockActions) }).meta({ id: "Unblocked" });
export const withdrawnSchema = z
  .object({
    release: z.string(),
    gate: z.string().nullable().describe("the gate that was closed with it"),
  })
  .meta({ id: "Withdrawn" });

export const logQuerySchema = z.object({
  stage: z.enum(stages).optional().describe("left out: the last stage that has a log"),
  tail: z.coerce.number().int().min(1).max(100_000).optional().describe("only the last so many lines"),
});
