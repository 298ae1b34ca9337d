import { webApi } from "@slack/bolt";
import { CarrierFault, type Carrier, type MessagePlace, type Outgoing } from "../domain/carrier.ts";
import { digestOfJson } from "../domain/digest.ts";
import type { Digest } from "../domain/ids.ts";
import type { Picture } from "./blocks/gate-message.ts";
import { messageOf } from "./blocks/notice-messages.ts";
import { faultOf } from "./faults.ts";
import { createPace } from "./pace.ts";
import { createPictures } from "./pictures.ts";
import { createClient, type Workspaces } from "./workspaces.ts";

export interface SlackCarrierDeps {
  workspaces: Workspaces;
  slackApiUrl: string | null;
  /** Between two posts to one channel: Slack's published limit is one a second. */
  paceMs?: number;
  /** The bytes of a picture of the evidence; without it messages have none. */
  readPicture?(digest: Digest): Promise<Uint8Array>;
}

/** Stands for the workspace of the environment's token, whose id need not be known yet. */
export const ownWorkspace = "own";

const timeoutMs = 5_000;
/** Clocks, and the time that a lost request may have been under way. */
const searchMarginMs = 120_000;
const mostPages = 10;
/** With it a message is found again whose answer was lost. */
const eventType = "countersign_delivery";

/** Posts and changes messages. Never twice: one that may have arrived is looked for by its metadata first. */
export function createSlackCarrier(deps: SlackCarrierDeps): Carrier {
  const pace = createPace(deps.paceMs ?? 1_000);
  const pictures = createPictures(deps.readPicture);

  async function clientFor(team: string): Promise<webApi.WebClient> {
    const workspace = await deps.workspaces.need(team === ownWorkspace ? null : team);
    return createClient({ token: workspace.botToken, slackApiUrl: deps.slackApiUrl, timeoutMs });
  }

  return {
    digestOf: (notice) => digestOfJson(messageOf(notice)),
    async send(message) {
      const [team = "", channel = ""] = message.destination.split("/");
      try {
        const client = await clientFor(team);
        const place = message.place ?? (await foundPlace(client, message, channel));
        const picture = await pictures.of(client, { team, notice: message.notice });
        if (place !== null) return await withOrWithout(picture, (shown) => change(client, { message, place, picture: shown }));
        await pace(message.destination);
        return await withOrWithout(picture, (shown) => post(client, { message, channel, picture: shown }));
      } catch (error) {
        throw faultOf(error, message.destination);
      }
    },
  };
}

/** Slack may still be taking a picture in, or may have lost it: then the message goes without. */
async function withOrWithout(
  picture: Picture | null,
  send: (picture: Picture | null) => Promise<MessagePlace>,
): Promise<MessagePlace> {
  try {
    return await send(picture);
  } catch (error) {
    if (picture === null || !(error instanceof webApi.WebAPIPlatformError) || error.data.error !== "invalid_blocks") throw error;
    return send(null);
  }
}

async function foundPlace(client: webApi.WebClient, message: Outgoing, channel: string): Promise<MessagePlace | null> {
  return message.triedSince === null ? null : find(client, { ...message, channel, since: message.triedSince });
}

async function post(
  client: webApi.WebClient,
  { message, channel, picture }: { message: Outgoing; channel: string; picture: Picture | null },
): Promise<MessagePlace> {
  const { text, blocks } = messageOf(message.notice, picture);
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

async function change(
  client: webApi.WebClient,
  { message, place, picture }: { message: Outgoing; place: MessagePlace; picture: Picture | null },
): Promise<MessagePlace> {
  const { text, blocks } = messageOf(message.notice, picture);
  await client.chat.update({ channel: place.channel ?? "", ts: place.ts, text, blocks });
  return place;
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
