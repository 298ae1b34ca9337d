import { z } from "zod";
import { auditKinds } from "../audit-events.ts";
import { roles } from "../principal.ts";
import { digestSchema } from "./requests.ts";

/** What is answered about people, policies, commands, the audit chain and health. */
const time = z.string().meta({ format: "date-time" });

export const meSchema = z
  .object({
    principal: z.string(),
    kind: z.enum(["person", "machine"]),
    displayName: z.string(),
    groups: z.array(z.string()),
    roles: z.array(z.enum(roles)),
    scopes: z.array(z.string()).describe("of the token; empty: all that the principal may do"),
  })
  .meta({ id: "Me" });
export type MeView = z.output<typeof meSchema>;

export const groupSchema = z
  .object({
    group: z.string(),
    members: z.array(
      z.object({
        principal: z.string(),
        kind: z.enum(["person", "machine"]),
        displayName: z.string(),
        since: time,
      }),
    ),
  })
  .meta({ id: "Group" });
export type GroupView = z.output<typeof groupSchema>;

export const auditRecordSchema = z
  .object({
    seq: z.int(),
    at: time,
    kind: z.enum(auditKinds),
    actor: z.string(),
    model: z.string().nullable(),
    subject: z.string(),
    data: z.record(z.string(), z.unknown()),
    prev: digestSchema,
    hash: digestSchema.describe("SHA-256 of the record's canonical JSON, without this member"),
  })
  .meta({ id: "AuditRecord" });
export type AuditRecordView = z.output<typeof auditRecordSchema>;

export const auditQuerySchema = z.object({
  model: z.string().optional(),
  actor: z.string().optional(),
  subject: z.string().optional(),
  kind: z.enum(auditKinds).optional(),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
});

export const auditVerificationSchema = z
  .object({
    intact: z.boolean(),
    records: z.int(),
    head: z.object({ seq: z.int(), hash: digestSchema }),
    fault: z.object({ seq: z.int(), why: z.string() }).nullable().describe("the first record that does not fit"),
    checkpoint: z.null().describe("the last signed checkpoint; none has been made"),
    limits: z.string().describe("what `intact` does not prove, in a sentence"),
    verifiedAt: time,
  })
  .meta({ id: "AuditVerification" });
export type AuditVerificationView = z.output<typeof auditVerificationSchema>;

export const commandSchema = z
  .object({
    id: z.string(),
    state: z.enum(["running", "pending", "done"]),
    by: z.string(),
    route: z.string(),
    gate: z.string().nullable(),
    createdAt: time,
    completedAt: time.nullable(),
    answer: z.object({ status: z.int(), body: z.unknown() }).nullable().describe("what was answered, once it is known"),
  })
  .meta({ id: "Command" });
export type CommandView = z.output<typeof commandSchema>;

const check = z.object({ up: z.boolean(), detail: z.string() });
export const readySchema = z
  .object({
    status: z
      .enum(["ready", "degraded", "unready"])
      .describe("degraded: it works, but people are not told by every way, or the watch does not look at everything"),
    checks: z.object({ temporal: check, postgres: check, artifacts: check, workers: check }),
    ways: z
      .array(z.object({ way: z.string(), up: z.boolean(), detail: z.string(), cure: z.string() }))
      .describe("how people are told: what is wrong with a way, and what cures it"),
    watch: check.describe(
      "the watch, which finds what died in silence: what it could not look at, or what is wrong with its schedule",
    ),
  })
  .meta({ id: "Ready" });
export type ReadyView = z.output<typeof readySchema>;

export const liveSchema = z.object({ status: z.literal("live"), version: z.string() }).meta({ id: "Live" });

/** `{ items, next }` of one kind of thing. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().describe("the cursor of the next page; null at the end"),
  });
}
export interface Page<Item> {
  items: Item[];
  next: string | null;
}

/** How many there are, as far as was read: `50+` where more follow. */
export function countOf({ items, next }: Page<unknown>): string {
  return `${items.length}${next === null ? "" : "+"}`;
}
