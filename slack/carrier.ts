import type { webApi } from "@slack/bolt";
import { CarrierFault, type Carrier, type MessagePlace, type Outgoing } from "../domain/carrier.ts";
import { digestOfJson } from "../domain/digest.ts";
import type { GateNotice, Notice } from "../domain/notices.ts";
import type { Picture } from "./blocks/gate-message.ts";
import { messageOf } from "./blocks/notice-messages.ts";
import { faultOf } from "./faults.ts";
import { createPace } from "./pace.ts";
import { createClient, type Workspaces } from "./workspaces.ts";

export interface SlackCarrierDeps {
  workspaces: Workspaces;
  slackApiUrl: string | null;
  /** Between two posts to one channel: Slack's published limit is one a second. */
  paceMs?: number;
  /** A picture of the number that matters; null where there is none to draw. */
  draw?(notice: GateNotice): Promise<{ png: Buffer; alt: string } | null>;
}

/** Stands for the workspace of the environment's token, whose id need not be known yet. */
export const ownWorkspace = "own";

const timeoutMs = 5_000;
/** Clocks, and the time that a lost request may have been under way. */
const searchMarginMs = 120_000;
const mostPages = 10;
const mostPictures = 2_000;
/** With it a message is found again whose answer was lost. */
const eventType = "countersign_delivery";

/** Posts and changes messages. Never twice: one that may have arrived is looked for by its metadata first. */
export function createSlackCarrier(deps: SlackCarrierDeps): Carrier {
  const pace = createPace(deps.paceMs ?? 1_000);
  const pictures = new Map<string, Picture | null>();

  async function clientFor(team: string): Promise<webApi.WebClient> {
    const workspace = await (team === ownWorkspace ? deps.workspaces.first() : deps.workspaces.find(team));
    if (workspace) return createClient({ token: workspace.botToken, slackApiUrl: deps.slackApiUrl, timeoutMs });
    throw new CarrierFault("setup", `No token for the workspace ${team} works at present.`, {
      code: "no-workspace",
      cure: "Set SLACK_BOT_TOKEN to the bot token of the app in this workspace (docs/slack.md).",
    });
  }

  return {
    digestOf: (notice) => digestOfJson(messageOf(notice)),
    async send(message) {
      const [team = "", channel = ""] = message.destination.split("/");
      const client = await clientFor(team);
      try {
        if (message.place !== null) return await change(client, message, message.place);
        const found = message.triedSince === null ? null : await find(client, { ...message, channel, since: message.triedSince });
        if (found !== null) return await change(client, message, found);
        await pace(message.destination);
        return await post(client, message, channel);
      } catch (error) {
        throw faultOf(error, message.destination);
      }
    },
  };

  async function post(client: webApi.WebClient, message: Outgoing, channel: string): Promise<MessagePlace> {
    const { text, blocks } = messageOf(message.notice, await picture(client, message.notice));
    const answer = await client.chat.postMessage({
      channel,
      text,
      blocks,
      unfurl_links: false,
      unfurl_media: false,
      metadata: { event_type: eventType, event_payload: { delivery: message.id } },
      ...(message.parent !== null && { thread_ts: message.parent.ts }),
    });
    if (!answer.ts || !answer.channel)
      throw new CarrierFault("later", "Slack named no place.", { code: "no-place", surelyNotSent: false });
    return { channel: answer.channel, ts: answer.ts };
  }

  async function change(client: webApi.WebClient, message: Outgoing, place: MessagePlace): Promise<MessagePlace> {
    const { text, blocks } = messageOf(message.notice, await picture(client, message.notice));
    await client.chat.update({ channel: place.channel ?? "", ts: place.ts, text, blocks });
    return place;
  }

  /** A message without a picture is better than none. */
  async function picture(client: webApi.WebClient, notice: Notice): Promise<Picture | null> {
    if (notice.kind !== "gate" || notice.state === "closed" || !deps.draw) return null;
    const kept = pictures.get(notice.digest);
    if (kept !== undefined) return kept;
    if (pictures.size > mostPictures) pictures.clear();
    try {
      const drawn = await deps.draw(notice);
      const uploaded = drawn === null ? null : await upload(client, drawn, notice.gate);
      pictures.set(notice.digest, uploaded);
      return uploaded;
    } catch {
      return null;
    }
  }
}

async function upload(
  client: webApi.WebClient,
  { png, alt }: { png: Buffer; alt: string },
  name: string,
): Promise<Picture | null> {
  const place = await client.files.getUploadURLExternal({ filename: `${name}.png`, length: png.length, alt_text: alt });
  if (!place.upload_url || !place.file_id) return null;
  const sent = await fetch(place.upload_url, {
    method: "POST",
    body: new Uint8Array(png),
    signal: AbortSignal.timeout(timeoutMs),
  });
  await sent.body?.cancel();
  if (!sent.ok) return null;
  await client.files.completeUploadExternal({ files: [{ id: place.file_id, title: alt }] });
  return { fileId: place.file_id, alt };
}

/** The message of this delivery in the channel (or thread), newest first; null when it never arrived. */
async function find(
  client: webApi.WebClient,
  of: { id: string; channel: string; parent: MessagePlace | null; since: Date },
): Promise<MessagePlace | null> {
  const channel = await conversationOf(client, of);
  const oldest = String((of.since.getTime() - searchMarginMs) / 1000);
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const asked = { channel, oldest, limit: 200, include_all_metadata: true, ...(cursor && { cursor }) };
    const answer = await (of.parent === null
      ? client.conversations.history(asked)
      : client.conversations.replies({ ...asked, ts: of.parent.ts }));
    for (const { ts, metadata } of answer.messages ?? []) {
      const payload: Record<string, unknown> = { ...metadata?.event_payload };
      if (ts && metadata?.event_type === eventType && payload["delivery"] === of.id) return { channel, ts };
    }
    cursor = answer.response_metadata?.next_cursor;
    if (!cursor) return null;
  }
  return null;
}

/** A person's id stands for the conversation with them when one posts, but not when one reads. */
async function conversationOf(client: webApi.WebClient, of: { channel: string; parent: MessagePlace | null }): Promise<string> {
  if (of.parent?.channel) return of.parent.channel;
  if (!/^[UW]/.test(of.channel)) return of.channel;
  const { channel } = await client.conversations.open({ users: of.channel });
  return channel?.id ?? of.channel;
}
