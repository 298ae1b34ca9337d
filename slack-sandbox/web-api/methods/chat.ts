import { z } from "zod";
import type { SandboxMessage } from "../../workspace/model.ts";
import { botId, botUserId, teamDomain } from "../../workspace/seed.ts";
import { contentArgs, isEmpty, maxEditedTextLength, readContent } from "../content.ts";
import { addressedChannel, visibleChannel, writableChannel } from "../channels.ts";
import { defineMethod, flag, type Api } from "../method.ts";
import { messageShape } from "../shapes.ts";
import { SlackError } from "../slack-error.ts";

const target = { channel: z.string().min(1) };
const ignored = {
  mrkdwn: flag,
  unfurl_links: flag,
  unfurl_media: flag,
  link_names: flag,
  parse: z.string().optional(),
  as_user: flag,
};

const postMessage = defineMethod({
  tier: "message",
  scopes: ["chat:write"],
  args: z.object({ ...target, ...contentArgs, ...ignored, thread_ts: z.string().optional(), reply_broadcast: flag }),
  run(api, args) {
    const channel = writableChannel(api, args.channel);
    const content = readContent(api.workspace, args);
    if (isEmpty(content)) throw new SlackError("no_text");
    if (content.text === undefined)
      api.complain("chat.postMessage: blocks without `text`: notifications and screen readers have nothing to say");
    const message = api.workspace.addMessage({
      channel: channel.id,
      user: botUserId,
      bot_id: botId,
      text: content.text ?? "",
      blocks: content.blocks ?? null,
      attachments: content.attachments ?? null,
      metadata: content.metadata ?? null,
      thread_ts: args.thread_ts ?? null,
    });
    return { channel: channel.id, ts: message.ts, message: messageShape(api.workspace, message, true) };
  },
});

const postEphemeral = defineMethod({
  tier: 4,
  scopes: ["chat:write"],
  args: z.object({ ...target, ...contentArgs, ...ignored, user: z.string().min(1), thread_ts: z.string().optional() }),
  run(api, args) {
    const channel = writableChannel(api, args.channel);
    if (api.workspace.user(args.user) === undefined) throw new SlackError("user_not_found");
    if (!channel.members.includes(args.user)) throw new SlackError("user_not_in_channel");
    const content = readContent(api.workspace, args);
    if (isEmpty(content)) throw new SlackError("no_text");
    const message = api.workspace.addMessage({
      channel: channel.id,
      user: botUserId,
      bot_id: botId,
      text: content.text ?? "",
      blocks: content.blocks ?? null,
      attachments: content.attachments ?? null,
      thread_ts: args.thread_ts ?? null,
      ephemeral_for: args.user,
    });
    return { message_ts: message.ts };
  },
});

/** A message that the app wrote and everybody sees; an ephemeral one can be neither edited nor deleted this way. */
function ownMessage(api: Api, at: { channel: string; ts: string }, otherwise: string): SandboxMessage {
  const found = api.workspace.message({ channel: visibleChannel(api, at.channel).id, ts: at.ts });
  if (found === undefined || found.tombstone || found.ephemeral_for !== null) throw new SlackError("message_not_found");
  if (found.user !== botUserId) throw new SlackError(otherwise);
  return found;
}

const update = defineMethod({
  tier: 3,
  scopes: ["chat:write"],
  args: z.object({
    ...target,
    ...contentArgs,
    ...ignored,
    ts: z.string().min(1),
    reply_broadcast: flag,
    file_ids: z.unknown().optional(),
  }),
  run(api, args) {
    const channel = visibleChannel(api, args.channel);
    if (channel.is_archived) throw new SlackError("is_inactive");
    const message = ownMessage(api, { channel: channel.id, ts: args.ts }, "cant_update_message");
    const content = readContent(api.workspace, args);
    if ((content.text ?? "").length > maxEditedTextLength) throw new SlackError("msg_too_long");
    if (content.text === undefined && content.blocks === undefined && content.attachments === undefined)
      throw new SlackError("no_text");
    // What is not said stays as it is; an empty list takes it away.
    if (content.text !== undefined) message.text = content.text;
    if (content.blocks !== undefined) message.blocks = content.blocks;
    if (content.attachments !== undefined) message.attachments = content.attachments;
    if (content.metadata !== undefined) message.metadata = content.metadata;
    message.edited = { user: botUserId, ts: api.workspace.nextTs() };
    api.workspace.changed();
    return { channel: channel.id, ts: message.ts, text: message.text, message: messageShape(api.workspace, message, true) };
  },
});

const remove = defineMethod({
  tier: 3,
  scopes: ["chat:write"],
  args: z.object({ ...target, ts: z.string().min(1), as_user: flag }),
  run(api, args) {
    const message = ownMessage(api, args, "cant_delete_message");
    api.workspace.removeMessage(message);
    return { channel: message.channel, ts: message.ts };
  },
});

const getPermalink = defineMethod({
  tier: "special",
  scopes: [],
  args: z.object({ ...target, message_ts: z.string().min(1) }),
  run(api, args) {
    const channel = addressedChannel(api, args.channel);
    const message = api.workspace.message({ channel: channel.id, ts: args.message_ts });
    if (message === undefined) throw new SlackError("message_not_found");
    // Slack's form of it, on the sandbox's own page.
    const permalink = `${api.url}/archives/${channel.id}/p${message.ts.replace(".", "")}?domain=${teamDomain}`;
    return { channel: channel.id, permalink };
  },
});

export const chatMethods = {
  "chat.postMessage": postMessage,
  "chat.postEphemeral": postEphemeral,
  "chat.update": update,
  "chat.delete": remove,
  "chat.getPermalink": getPermalink,
};
