import { randomBytes } from "node:crypto";
import { z } from "zod";
import { readContent, isEmpty, contentArgs } from "../web-api/content.ts";
import { withMessages, SlackError } from "../web-api/slack-error.ts";
import { botId, botUserId } from "../workspace/seed.ts";
import type { SandboxMessage } from "../workspace/model.ts";
import type { Workspace } from "../workspace/workspace.ts";

/** "Up to five times within thirty minutes". */
const lifeMs = 30 * 60_000;
const maxUses = 5;

/** Where an answer goes: who acted, where, and on which message. */
export interface Place {
  user: string;
  channel: string;
  threadTs: string | null;
  original: { channel: string; ts: string } | null;
  /** Of the click or command: its private answers are known by it. */
  triggerId: string;
}

const answerSchema = z.object({
  ...contentArgs,
  response_type: z.enum(["ephemeral", "in_channel"]).default("ephemeral"),
  replace_original: z.boolean().default(false),
  delete_original: z.boolean().default(false),
  thread_ts: z.string().optional(),
  unfurl_links: z.boolean().optional(),
  unfurl_media: z.boolean().optional(),
  mrkdwn: z.boolean().optional(),
});

/**
 * Writes what the app answered to an interaction: privately, to all, instead of the message or to
 * take it away.
 * @throws SlackError as Slack names what is wrong
 */
export function writeAnswer(workspace: Workspace, place: Place, given: unknown): SandboxMessage | null {
  const parsed = answerSchema.safeParse(given);
  if (!parsed.success)
    throw withMessages(
      "invalid_arguments",
      parsed.error.issues.map((issue) => `${issue.message} [json-pointer:/${issue.path.join("/")}]`),
    );
  const answer = parsed.data;
  const original = place.original === null ? undefined : workspace.message(place.original);
  if (answer.delete_original) {
    if (original !== undefined) workspace.removeMessage(original);
    return null;
  }
  const content = readContent(workspace, answer);
  if (isEmpty(content)) throw new SlackError("no_text");
  if (answer.replace_original && original !== undefined) {
    Object.assign(original, {
      text: content.text ?? "",
      blocks: content.blocks ?? null,
      edited: { user: botUserId, ts: workspace.nextTs() },
    });
    workspace.changed();
    return original;
  }
  return workspace.addMessage({
    channel: place.channel,
    user: botUserId,
    bot_id: botId,
    text: content.text ?? "",
    blocks: content.blocks ?? null,
    attachments: content.attachments ?? null,
    thread_ts: answer.thread_ts ?? place.threadTs,
    ephemeral_for: answer.response_type === "ephemeral" ? place.user : null,
    is_answer: true,
    answer_to: place.triggerId,
  });
}

export type ResponseUrls = ReturnType<typeof createResponseUrls>;

export function createResponseUrls(workspace: Workspace, url: () => string) {
  const all = new Map<string, { place: Place; at: number; uses: number }>();

  return {
    make(place: Place, kind: "actions" | "commands"): string {
      const key = randomBytes(16).toString("hex");
      all.set(key, { place, at: workspace.now(), uses: 0 });
      return `${url()}/response/${kind}/${key}`;
    },
    /** An answer that came to such an address: the status and text of Slack's own. */
    take(key: string, given: unknown): { status: 200 | 400 | 404; body: string } {
      const found = all.get(key);
      if (found === undefined) return { status: 404, body: '{"ok":false,"error":"invalid_url"}' };
      if (workspace.now() - found.at > lifeMs) return { status: 404, body: '{"ok":false,"error":"expired_url"}' };
      if (found.uses >= maxUses) return { status: 404, body: '{"ok":false,"error":"used_url"}' };
      try {
        writeAnswer(workspace, found.place, given);
      } catch (error) {
        if (!(error instanceof SlackError)) throw error;
        return { status: 400, body: JSON.stringify({ ok: false, error: error.code, ...error.extra }) };
      }
      found.uses += 1;
      return { status: 200, body: "ok" };
    },
  };
}
