import { z } from "zod";
import type { AuthoredPolicy } from "../policy-schema.ts";
import { gateStages, maturities, tiers } from "../policy.ts";
import { releaseIdPattern } from "../ids.ts";
import { sampleNames } from "../sample-evidence.ts";
import { stages } from "../stages.ts";
import { digestSchema } from "./requests.ts";

/** What is answered about policies. Times are RFC 3339 in UTC. */
const time = z.string().meta({ format: "date-time" });

const deciders = z.object({
  now: z.int().nullable().describe("people who may decide as groups are now; null where it depends on the model's owner team"),
  trouble: z.string().nullable().describe("why the quorum cannot be reached as groups are now"),
});

const ruleView = z.object({
  name: z.string(),
  ask: z.string(),
  groups: z.array(z.string()),
  people: z.array(z.string()),
  quorum: z.int(),
  oneFromEach: z.array(z.string()),
  deadlineMs: z.int(),
  onDeadline: z.enum(["hold", "reject", "approve"]),
  inWords: z.string().describe("the whole rule in one sentence"),
  mayDecide: deciders,
});
export type RuleView = z.output<typeof ruleView>;

const gateView = ruleView.extend({
  after: z.enum(gateStages),
  when: z.string().nullable().describe("where it is needed, in words; null: always"),
});

export const policyItemSchema = z
  .object({
    id: z.string(),
    version: z.int(),
    digest: digestSchema,
    title: z.string(),
    tier: z.enum(tiers),
    maturities: z.array(z.enum(maturities)).nullable().describe("null: all"),
    teams: z.array(z.string()).nullable().describe("null: all that no other policy names"),
    owner: z.string().nullable(),
    gates: z.array(gateView),
    skippable: z.array(z.enum(stages)),
    governs: z
      .array(z.object({ maturity: z.enum(maturities), team: z.string().nullable() }))
      .describe("where this version is in force for new releases; none: it was replaced, or waits for nobody"),
    publishedBy: z.string(),
    publishedAt: time,
  })
  .meta({ id: "PolicyItem" });
export type PolicyItemView = z.output<typeof policyItemSchema>;

const documentView = z
  .custom<AuthoredPolicy>((value) => typeof value === "object" && value !== null)
  .meta({ id: "PolicyDocument", type: "object", description: "The policy as people write it; docs/policy.md describes it." });

export const policySchema = policyItemSchema
  .extend({
    document: documentView,
    inWords: z.array(z.string()),
    rules: z.array(ruleView).describe("of changes, definitions, retirement, break-glass, and other people's workflows"),
    versions: z.array(
      z.object({ version: z.int(), digest: digestSchema, title: z.string(), publishedBy: z.string(), publishedAt: time }),
    ),
    waiting: z
      .object({ gate: z.string(), version: z.int(), digest: digestSchema, proposedBy: z.string(), proposedAt: time })
      .nullable()
      .describe("a version that waits at its gate"),
  })
  .meta({ id: "Policy" });
export type PolicyView = z.output<typeof policySchema>;

export const policyProposedSchema = z
  .object({
    policy: z.string(),
    version: z.int(),
    digest: digestSchema,
    published: z.boolean().describe("in force for releases that start from now on"),
    gate: z.string().nullable().describe("the gate of the policy in force that it passes first"),
  })
  .meta({ id: "PolicyProposed" });
export type PolicyProposedView = z.output<typeof policyProposedSchema>;

export const policyTestRequestSchema = z
  .strictObject({
    document: z.looseObject({}).optional().describe("the policy as people write it; left out: the published one"),
    version: z.int().min(1).optional().describe("of the published one; left out: the newest"),
    release: z.string().regex(releaseIdPattern, "is no release id").optional().describe("whose recorded evidence it is tried on"),
    sample: z.enum(sampleNames).optional().describe("sample evidence in its place; `ordinary` when both are left out"),
  })
  .refine((body) => body.release === undefined || body.sample === undefined, {
    path: ["sample"],
    message: "a release and a sample are both named; one of them is the evidence",
  })
  .meta({ id: "PolicyTestRequest" });

const exclusion = z.object({ principal: z.string(), why: z.string() });
export const policyTestSchema = z
  .object({
    policy: z.object({ id: z.string(), version: z.int().nullable().describe("null: it is not published"), title: z.string() }),
    evidence: z.object({ release: z.string().nullable(), sample: z.enum(sampleNames).nullable() }),
    summary: z.string(),
    gates: z.array(
      z.object({
        name: z.string(),
        after: z.enum(gateStages),
        needed: z.boolean(),
        why: z.string(),
        ask: z.string(),
        quorum: z.string(),
        mayDecide: z.array(z.string()),
        barred: z.array(exclusion),
        undecidable: z.string().nullable(),
        deadline: z.string(),
        onDeadline: z.enum(["hold", "reject", "approve"]),
      }),
    ),
  })
  .meta({ id: "PolicyTest" });
export type PolicyTestView = z.output<typeof policyTestSchema>;
