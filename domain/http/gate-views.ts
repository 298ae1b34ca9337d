import { z } from "zod";
import { decisionKinds, gateStates, receiptKinds, resolutions, type GateEvidence } from "../gate.ts";
import { surfaces } from "../principal.ts";
import { stages } from "../stages.ts";
import { digestSchema, releaseParametersSchema } from "./requests.ts";

/** What is answered about gates. Times are RFC 3339 in UTC. */
const time = z.string().meta({ format: "date-time" });
const gateReference = z.object({
  id: z.string(),
  state: z.enum(gateStates),
  resolution: z.enum(resolutions).nullable(),
});

export const receiptSchema = z
  .object({
    receipt: z.enum(receiptKinds),
    message: z.string(),
    decision: z.enum(decisionKinds),
    by: z.string(),
    at: time,
    gate: gateReference,
    missing: z.array(z.string()).describe("what the quorum still lacks, in words"),
    supersededBy: z.string().optional(),
    command: z.string().optional().describe("the command's id; ask `GET /api/commands/{id}` what became of it"),
  })
  .meta({ id: "Receipt" });
export type ReceiptView = z.output<typeof receiptSchema>;

/** 202: not known in time. */
export const pendingSchema = z
  .object({
    receipt: z.literal("pending"),
    command: z.string(),
    message: z.string(),
    ...receiptSchema.omit({ receipt: true, command: true, message: true }).partial().shape,
  })
  .meta({ id: "Pending" });
export type PendingView = z.output<typeof pendingSchema>;

export const gateDecisionSchema = z
  .object({
    command: z.string(),
    by: z.string(),
    decision: z.enum(decisionKinds),
    reason: z.string().nullable(),
    at: time,
    counted: z.boolean(),
    whyNot: z.string().nullable(),
    surface: z.enum(surfaces),
    digest: digestSchema,
    seen: digestSchema.nullable(),
    returnTo: z.enum(stages).nullable(),
    parameters: releaseParametersSchema,
    groups: z.array(z.string()).describe("of the decider, when the decision was made"),
    groupsAtClose: z.array(z.string()),
  })
  .meta({ id: "GateDecision" });
export type GateDecisionView = z.output<typeof gateDecisionSchema>;

/** The evidence was checked when it was frozen; the digest proves that it is the same. */
const evidenceSchema = z
  .custom<GateEvidence>((value) => typeof value === "object" && value !== null)
  .meta({
    id: "GateEvidence",
    type: "object",
    description:
      "What an approver is shown: recommendation, metrics with intervals, stages, lineage by digest, tier, champion, previous decisions.",
  });

export const gateRequestSchema = z
  .object({
    digest: digestSchema,
    ask: z.string(),
    why: z.string(),
    evidence: evidenceSchema,
    policy: z.object({ id: z.string(), version: z.int(), digest: digestSchema }),
    deciders: z.object({ groups: z.array(z.string()), quorum: z.int() }),
    excluded: z.array(z.object({ principal: z.string(), why: z.string() })),
    opensAt: time,
    deadline: time,
    onDeadline: z.enum(["hold", "reject", "approve"]),
  })
  .meta({ id: "GateRequest" });

const gateLinks = z.object({
  self: z.string(),
  console: z.string(),
  release: z.string().nullable(),
  temporal: z.string(),
});

/** How the caller stands to the gate: whether an approval by them would be taken now, and if not, why. */
const you = z.object({
  mayDecide: z.boolean(),
  receipt: z.enum(receiptKinds).nullable(),
  why: z.string().nullable(),
});

export const gateSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    number: z.int().describe("the request's number: 2 after the first was asked anew"),
    model: z.string().nullable(),
    release: z.string().nullable(),
    state: z.enum(gateStates),
    resolution: z.enum(resolutions).nullable(),
    subject: z.object({ kind: z.string(), id: z.string(), digest: digestSchema }),
    request: gateRequestSchema,
    decisions: z.array(gateDecisionSchema),
    missing: z.array(z.string()),
    supersededBy: z.string().nullable(),
    openedAt: time.nullable(),
    closedAt: time.nullable(),
    you,
    links: gateLinks,
  })
  .meta({ id: "Gate" });
export type GateView = z.output<typeof gateSchema>;

export const gateItemSchema = z
  .object({
    ...gateSchema.omit({ request: true, decisions: true }).shape,
    request: gateRequestSchema.omit({ evidence: true }),
    recommendation: z.object({ verdict: z.enum(["pass", "warn", "fail"]), sentence: z.string() }),
  })
  .meta({ id: "GateItem", description: "A gate in a list: without its evidence." });
export type GateItemView = z.output<typeof gateItemSchema>;

export const gateQuerySchema = z.object({
  state: z.enum(gateStates).optional(),
  mine: z
    .enum(["true", "false"])
    .optional()
    .transform((text) => text === "true")
    .describe("only those on which the caller may decide now"),
  model: z.string().optional(),
});
