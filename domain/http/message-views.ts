import { z } from "zod";
import { messageWays, noticeKinds } from "../notices.ts";

/** What is asked and answered about messages to people: where they go, and how the ways stand. */
const time = z.string().meta({ format: "date-time" });
const slackId = (letters: string) =>
  z
    .string()
    .regex(
      new RegExp(`^[${letters}][A-Z0-9]{2,30}$`),
      `must be an id of Slack that begins with ${letters.split("").join(" or ")}`,
    );

const webhookUrl = z.url({ protocol: /^https?$/, error: "must be an http or https address" }).max(2_000);

export const teamMessagesRequestSchema = z
  .strictObject({
    slack: z
      .strictObject({
        team: slackId("TE").optional().describe("left out: the workspace of the environment"),
        channel: slackId("CG"),
      })
      .nullable()
      .optional(),
    emails: z.array(z.email()).max(20).optional(),
    webhook: z
      .strictObject({
        url: webhookUrl,
        secret: z
          .string()
          .regex(/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/, "must be whsec_ and 24 to 64 bytes in base64")
          .optional()
          .describe("needed for a new address; it is kept sealed and never told again"),
      })
      .nullable()
      .optional(),
  })
  .refine((body) => Object.values(body).some((one) => one !== undefined), {
    message: "says nothing that is to change: give slack, emails or webhook",
  })
  .meta({ id: "TeamMessagesRequest", description: "What is left out stays as it is; null takes it away." });
export type TeamMessagesRequest = z.output<typeof teamMessagesRequestSchema>;

export const teamMessagesSchema = z
  .object({
    team: z.string(),
    slack: z.object({ team: z.string(), channel: z.string() }).nullable(),
    emails: z.array(z.string()),
    webhook: z.object({ url: z.string() }).nullable(),
    changedBy: z.string().nullable(),
    changedAt: time.nullable(),
  })
  .meta({ id: "TeamMessages" });
export type TeamMessagesView = z.output<typeof teamMessagesSchema>;

export const ownMessagesRequestSchema = z.strictObject({ direct: z.boolean() }).meta({ id: "OwnMessagesRequest" });
export const emailRequestSchema = z.strictObject({ email: z.email().nullable() }).meta({ id: "EmailRequest" });
export const ownMessagesSchema = z
  .object({
    principal: z.string(),
    direct: z.boolean().describe("told oneself of what one may decide"),
    email: z.string().nullable(),
    slack: z.array(z.object({ team: z.string(), user: z.string() })),
  })
  .meta({ id: "OwnMessages" });
export type OwnMessagesView = z.output<typeof ownMessagesSchema>;

export const messagesSchema = z
  .object({
    teams: z.array(teamMessagesSchema),
    ways: z.array(z.object({ way: z.string(), code: z.string(), detail: z.string(), cure: z.string(), at: time })),
    counts: z.object({ due: z.int(), done: z.int(), failed: z.int() }),
    troubled: z.array(
      z.object({
        id: z.string(),
        notice: z.enum(noticeKinds),
        subject: z.string(),
        way: z.enum(messageWays),
        destination: z.string(),
        state: z.enum(["due", "done", "failed"]),
        failure: z.string().nullable(),
        cure: z.string().nullable(),
        dueAt: time,
      }),
    ),
  })
  .meta({ id: "Messages", description: "Where messages go, how each way stands, and what could not be delivered." });
export type MessagesView = z.output<typeof messagesSchema>;
