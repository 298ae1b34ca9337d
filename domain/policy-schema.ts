import { z } from "zod";
import { durationPattern } from "./duration-text.ts";
import { metricNames } from "./evidence.ts";
import { modelNamePattern, principalPattern } from "./ids.ts";
import { triggers } from "./lifecycle.ts";
import { gateStages, maturities, ownerTeam, tiers } from "./policy.ts";

/**
 * What people write when they write a policy, in YAML or JSON. `policy-form.ts` turns it into the
 * canonical `Policy` that is digested and published; `policy-check.ts` tells all faults at once;
 * docs/policy.md is generated from here. What is left out gets the default that stands here.
 */
const duration = z.string().regex(durationPattern, "must be a duration such as 90s, 36h or 7d");
const principal = z.string().regex(principalPattern, "must be a name in lower case (letters, digits, dot, hyphen, underscore)");
const group = z.union([principal, z.literal(ownerTeam)]);
const groups = z.array(group).max(20);
const people = z.array(principal).max(50);
export const gateNamePattern = /^[a-z][a-z-]{0,30}$/;
const gateName = z.string().regex(gateNamePattern, "must be lower-case letters and hyphens (31 at most)");

const parameterBounds = z
  .strictObject({
    min: z.number().optional(),
    max: z.number().optional(),
    oneOf: z
      .array(z.union([z.string(), z.number(), z.boolean()]))
      .min(1)
      .max(50)
      .optional(),
  })
  .describe("`{ min, max }` or `{ oneOf: […] }`");

export const inputTypes = ["number", "integer", "choice", "text", "boolean"] as const;
const input = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]{0,39}$/, "must be letters and digits, beginning with a letter")
    .describe("as decisions name it"),
  title: z.string().min(3).max(120).describe("what the form says"),
  type: z.enum(inputTypes).describe("what is entered"),
  required: z.boolean().default(false).describe("an approval without it is refused"),
  min: z.number().optional().describe("numbers: the least; required for them"),
  max: z.number().optional().describe("numbers: the most; required for them"),
  options: z.array(z.string().min(1).max(80)).max(30).optional().describe("choices: what may be chosen; required for them"),
  maxLength: z.int().min(1).max(2000).optional().describe("texts: how long at most; required for them"),
  default: z.union([z.number(), z.string(), z.boolean()]).optional().describe("what stands in the form"),
});

const always = z.literal(true);

/** One key each; `policy-rules.ts` says so where there are none or several. */
export const conditionSchema = z.strictObject({
  get all(): z.ZodOptional<z.ZodArray<typeof conditionSchema>> {
    return z.optional(z.array(conditionSchema).min(1).max(20)).describe("all of these apply");
  },
  get any(): z.ZodOptional<z.ZodArray<typeof conditionSchema>> {
    return z.optional(z.array(conditionSchema).min(1).max(20)).describe("one of these applies");
  },
  get not(): z.ZodOptional<typeof conditionSchema> {
    return z.optional(conditionSchema).describe("this does not apply");
  },
  metricWorse: z
    .strictObject({ metric: z.enum(metricNames), by: z.number().min(0).default(0) })
    .optional()
    .describe("the candidate is worse than the champion by more than `by`, in the metric's own unit"),
  verdict: z
    .strictObject({ atLeast: z.enum(["warn", "fail"]) })
    .optional()
    .describe("the evaluation warned or failed"),
  protectedGroupAffected: always.optional().describe("a gap between protected groups passes its limit, or was not told"),
  firstRelease: always.optional().describe("the model has no champion yet"),
  governedFieldChanged: always.optional().describe("a governed field differs from the champion's definition"),
  contractWarned: always.optional().describe("a rule of the data contract warned"),
  driftOpen: always.optional().describe("a finding of drift is open"),
  triggeredBy: z.array(z.enum(triggers)).min(1).max(10).optional().describe("the release was started by one of these"),
  parametersChanged: always.optional().describe("the release has parameters of its own"),
});
export type AuthoredCondition = z.input<typeof conditionSchema>;

/** What every gate says, whatever it is about. */
const ruleShape = {
  ask: z.string().min(5).max(300).describe("the question, in one sentence"),
  groups: groups.default([]).describe("any member of these decides; `$owner` is the team that owns the model"),
  people: people.default([]).describe("named people who decide besides"),
  quorum: z.int().min(1).max(20).default(1).describe("approvals needed in all, each by another person"),
  oneFromEach: groups.default([]).describe("of each of these groups one approval at least; they decide as those of `groups` do"),
  barred: z
    .strictObject({ groups: groups.default([]), people: people.default([]) })
    .prefault({})
    .describe("who may not decide, besides those who contributed"),
  machines: z.boolean().default(false).describe("machines decide as people do; lowest tier only"),
  rejections: z.int().min(1).max(20).default(1).describe("rejections that close the gate"),
  deadline: duration.describe("from opening"),
  onDeadline: z
    .enum(["hold", "reject", "approve"])
    .default("hold")
    .describe("what happens then: it stays open and overdue, is closed as expired, or approves (lowest tier only)"),
  remindAt: z
    .array(z.number().gt(0).lt(1))
    .max(10)
    .default([0.5, 0.8])
    .describe("reminders, as fractions of the deadline, in order"),
  escalation: z
    .array(
      z.strictObject({
        groups: groups.min(1).describe("who decides as well from then on"),
        after: duration.describe("from opening"),
      }),
    )
    .max(10)
    .default([])
    .describe("the chain of groups that are asked next, in order"),
  maxAge: duration.optional().describe("from opening; then the evidence is renewed. Needs `onDeadline: hold`"),
  inputs: z.array(input).max(20).default([]).describe("values that an approver sets"),
  conditional: z
    .strictObject({ within: duration.describe("the latest date that an approval may name") })
    .optional()
    .describe("approval on condition that findings are closed by a date; left out: not allowed"),
};
export const ruleSchema = z.strictObject(ruleShape);

export const gateSchema = z.strictObject({
  name: gateName.describe("as it stands in ids, such as `promotion`"),
  after: z.enum(gateStages).describe("the stage after whose end it opens"),
  when: conditionSchema.optional().describe("needed only where this applies; left out: always"),
  ...ruleShape,
  freshness: z
    .strictObject({ champion: z.boolean().default(true), drift: z.boolean().default(true) })
    .prefault({})
    .describe("what makes a waiting request stale: another champion, a finding of drift"),
  changes: z
    .record(z.string().min(1).max(80), parameterBounds)
    .default({})
    .describe("parameters that a reviewer may ask for and still decide on the next request, such as `train.l2`"),
});

const externalSchema = z.strictObject({ name: gateName.describe("by which other workflows ask for it"), ...ruleShape });

export const policyDocumentSchema = z.strictObject({
  policy: z.string().regex(modelNamePattern, "must be lower-case letters, digits and hyphens").describe("its id"),
  version: z.int().min(1).max(100_000).optional().describe("the next one; left out: whichever that is"),
  title: z.string().min(5).max(300).describe("what it asks for, in a sentence"),
  tier: z.enum(tiers).describe("for models of this tier"),
  maturities: z.array(z.enum(maturities)).min(1).max(4).optional().describe("for these maturities; left out: for all"),
  teams: z.array(principal).min(1).max(50).optional().describe("for models of these owner teams; left out: for all"),
  owner: principal.describe("the group whose members propose its next version, and who are told when a gate cannot be met"),
  gates: z
    .array(gateSchema)
    .max(20)
    .default([])
    .describe("what a release passes; none: no person is asked, and that is on record"),
  skippable: z.array(z.literal("monitor")).max(1).default([]).describe("stages that a person may skip when they are blocked"),
  change: ruleSchema.optional().describe("the gate that a new version of this policy, or one that takes its place, passes first"),
  definitionChange: ruleSchema.optional().describe("the gate that a loosened definition passes first"),
  retirement: ruleSchema.optional().describe("the gate before a model is retired"),
  breakGlass: ruleSchema.optional().describe("the review that a promotion by break-glass opens"),
  external: z.array(externalSchema).max(30).default([]).describe("gates for other people's workflows, by name"),
  revalidation: z
    .strictObject({
      every: duration.describe("how old the approval of a champion may become"),
      onOverdue: z
        .enum(["finding", "revoke"])
        .default("finding")
        .describe("what happens then: a finding, or the approval is revoked and the champion before comes back"),
    })
    .optional()
    .describe("champions are approved anew by then"),
});
export type AuthoredPolicy = z.input<typeof policyDocumentSchema>;
export type ParsedPolicy = z.output<typeof policyDocumentSchema>;
export type ParsedRule = z.output<typeof ruleSchema>;
export type ParsedGate = z.output<typeof gateSchema>;
export type ParsedCondition = z.output<typeof conditionSchema>;

/** Where a policy may say a rule besides its gates, and what that gate is called. */
export const ruleNames = {
  change: "change",
  definitionChange: "definition",
  retirement: "retirement",
  breakGlass: "break-glass",
} as const;
export type RulePlace = keyof typeof ruleNames;
export const rulePlaces = ["change", "definitionChange", "retirement", "breakGlass"] as const satisfies RulePlace[];
