import { z } from "zod";
import { decisionKinds, gateStates, receiptKinds, resolutions, type GateEvidence } from "../gate.ts";
import { findingKinds } from "../finding.ts";
import type { GateInput } from "../policy.ts";
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

const inputsSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const conditionSchema = z.object({ finding: z.string(), by: time });

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
    onBehalfOf: z.string().nullable().describe("whose place a delegate took"),
    inputs: inputsSchema,
    conditions: z.array(conditionSchema),
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
    deciders: z.object({
      groups: z.array(z.string()),
      quorum: z.int(),
      people: z.array(z.string()).optional(),
      oneFromEach: z.array(z.string()).optional(),
      barred: z.object({ groups: z.array(z.string()), people: z.array(z.string()) }).optional(),
      machines: z.boolean().optional(),
      rejections: z.int().optional(),
    }),
    excluded: z.array(z.object({ principal: z.string(), why: z.string() })),
    opensAt: time,
    deadline: time,
    onDeadline: z.enum(["hold", "reject", "approve"]),
    escalation: z.array(z.object({ groups: z.array(z.string()), afterMs: z.number() })),
    expiresAt: time.nullable().describe("after it the evidence is renewed"),
    inputs: z
      .array(z.custom<GateInput>((value) => typeof value === "object" && value !== null))
      .meta({ type: "array", items: { type: "object" } })
      .describe("values that an approval may set, with their bounds"),
    conditional: z.object({ maxMs: z.number() }).nullable().describe("whether an approval may hang on findings, and how long"),
    changed: z
      .object({ gate: z.string(), changes: z.array(z.string()) })
      .nullable()
      .describe("what differs from the request before"),
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
    escalationLevel: z.int(),
    overdueSince: time.nullable(),
    stale: z.string().nullable().describe("why the request is out of date; it is asked anew"),
    undecidable: z.string().nullable().describe("why nobody can complete the quorum"),
    outcome: z
      .object({
        by: z.string().nullable(),
        at: time,
        reason: z.string().nullable(),
        inputs: inputsSchema,
        conditions: z.array(conditionSchema),
      })
      .nullable(),
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

/** 200: taken back; one may decide anew. */
export const decisionWithdrawnSchema = z.object({ gate: z.string(), by: z.string(), at: time }).meta({ id: "DecisionWithdrawn" });
export type DecisionWithdrawnView = z.output<typeof decisionWithdrawnSchema>;

/** One of several decisions: its own status and answer, as if it had been sent alone. */
export const decisionAnswersSchema = z
  .object({
    items: z.array(
      z.object({
        gate: z.string(),
        status: z.int(),
        answer: z.record(z.string(), z.unknown()).describe("a receipt; where it was refused, a problem that holds its members"),
      }),
    ),
  })
  .meta({ id: "DecisionAnswers" });
export type DecisionAnswersView = z.output<typeof decisionAnswersSchema>;

export const findingSchema = z
  .object({
    id: z.string(),
    model: z.string(),
    kind: z.enum(findingKinds),
    title: z.string(),
    gate: z.string().nullable(),
    version: z.string().nullable(),
    openedBy: z.string(),
    openedAt: time,
    closedBy: z.string().nullable(),
    closedAt: time.nullable(),
    closing: z.string().nullable(),
  })
  .meta({ id: "Finding" });
export type FindingView = z.output<typeof findingSchema>;

export const gateQuerySchema = z.object({
  state: z.enum(gateStates).optional(),
  mine: z
    .enum(["true", "false"])
    .optional()
    .transform((text) => text === "true")
    .describe("only those on which the caller may decide now"),
  model: z.string().optional(),
});
