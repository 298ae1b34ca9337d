import { z } from "zod";
import { peopleFileSchema, principalIdSchema, displayNameSchema, rolesSchema } from "../people-file.ts";
import { roles } from "../principal.ts";
import { digestSchema } from "./requests.ts";

/** What is asked and answered about people, groups, tokens and delegations. */
const time = z.string().meta({ format: "date-time" });
const reasonSchema = z.string().trim().min(3, "say why, in a few words").max(2000);

export const principalSchema = z
  .object({
    principal: z.string(),
    kind: z.enum(["person", "machine"]),
    displayName: z.string(),
    roles: z.array(z.enum(roles)),
    groups: z.array(z.string()),
    active: z.boolean().describe("false: has left"),
  })
  .meta({ id: "Principal" });
export type PrincipalView = z.output<typeof principalSchema>;

const changesSchema = z.array(z.string()).describe("what changes, a sentence each; none: it is so already");

export const groupRequestSchema = z
  .strictObject({
    members: z.array(principalIdSchema).max(5_000).describe("exactly these"),
    reason: reasonSchema.optional(),
  })
  .meta({ id: "GroupRequest" });

export const groupChangedSchema = z
  .object({ group: z.string(), members: z.array(z.string()), changes: changesSchema })
  .meta({ id: "GroupChanged" });
export type GroupChangedView = z.output<typeof groupChangedSchema>;

export const principalRequestSchema = z
  .strictObject({
    kind: z.enum(["person", "machine"]).optional().describe("of somebody new; a person where nothing is said"),
    displayName: displayNameSchema.optional(),
    roles: rolesSchema.optional(),
    active: z.boolean().optional(),
    reason: reasonSchema.optional(),
  })
  .refine((body) => Object.entries(body).some(([name, value]) => name !== "reason" && value !== undefined), {
    message: "says nothing that is to change: give displayName, roles or active",
  })
  .meta({
    id: "PrincipalRequest",
    description: "What is left out stays as it is; somebody new needs `displayName` and `roles`.",
  });

export const principalChangedSchema = z
  .object({ principal: principalSchema, changes: changesSchema })
  .meta({ id: "PrincipalChanged" });
export type PrincipalChangedView = z.output<typeof principalChangedSchema>;

export const peopleSchema = z
  .object({ state: digestSchema.describe("for If-Match"), file: peopleFileSchema })
  .meta({ id: "People", description: "Everybody and every group, as the file that would say it." });
export type PeopleView = z.output<typeof peopleSchema>;

export const peoplePlanSchema = z
  .object({
    state: digestSchema.describe("of what the plan was made from, for If-Match"),
    changes: changesSchema,
    refused: z.string().nullable().describe("why the caller may not make these changes"),
    unnamed: z.array(z.string()).describe("who is here and not in the file"),
  })
  .meta({ id: "PeoplePlan" });
export type PeoplePlanView = z.output<typeof peoplePlanSchema>;

export const peopleAppliedSchema = z.object({ state: digestSchema, changes: changesSchema }).meta({ id: "PeopleApplied" });
export type PeopleAppliedView = z.output<typeof peopleAppliedSchema>;

export const tokenSchema = z
  .object({
    id: z.string(),
    principal: z.string(),
    kind: z.enum(["api", "session"]),
    name: z.string(),
    scopes: z.array(z.string()).describe("empty: all that the principal may do"),
    createdBy: z.string(),
    createdAt: time,
    expiresAt: time,
    revokedAt: time.nullable(),
  })
  .meta({ id: "Token" });
export type TokenView = z.output<typeof tokenSchema>;

/** As long as anybody should go without thinking of it again. */
export const longestTokenDays = 366;

export const tokenRequestSchema = z
  .strictObject({
    principal: principalIdSchema.optional().describe("a machine, by an admin; yourself, where nothing is said"),
    name: z.string().trim().min(1, "say what it is for").max(120),
    scopes: z.array(z.string()).max(20).default([]).describe("none: all that the principal may do"),
    expiresAt: z.iso.datetime({ offset: true }).describe("at most a year from now"),
  })
  .meta({ id: "TokenRequest" });

export const tokenMadeSchema = z
  .object({
    ...tokenSchema.shape,
    token: z.string().nullable().describe("shown this once; null when the same command is answered again"),
  })
  .meta({ id: "TokenMade" });
export type TokenMadeView = z.output<typeof tokenMadeSchema>;

export const tokenQuerySchema = z.object({
  principal: principalIdSchema.optional().describe("for admins; left out: yourself"),
});

export const delegationSchema = z
  .object({
    id: z.string(),
    from: z.string(),
    to: z.string(),
    model: z.string().nullable().describe("null: all models"),
    reason: z.string(),
    since: time,
    until: time,
    revokedAt: time.nullable(),
    state: z.enum(["standing", "ended", "revoked"]),
  })
  .meta({ id: "Delegation" });
export type DelegationView = z.output<typeof delegationSchema>;

export const delegationRequestSchema = z
  .strictObject({
    to: principalIdSchema,
    until: z.iso.datetime({ offset: true }).describe("at most 60 days from now"),
    reason: reasonSchema,
    model: z.string().min(1).max(63).nullable().default(null).describe("left out: all models"),
  })
  .meta({ id: "DelegationRequest" });

export const delegationQuerySchema = z.object({
  all: z.enum(["true", "false"]).optional().describe("for admins: everybody's"),
});
