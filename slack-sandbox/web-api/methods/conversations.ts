import { z } from "zod";
import { botUserId } from "../../workspace/seed.ts";
import type { SandboxChannel } from "../../workspace/model.ts";
import { channelShape, needChannelScope, needScope, visibleChannel } from "../channels.ts";
import { count, defineMethod, flag, type Api } from "../method.ts";
import { page } from "../paging.ts";
import { messageShape } from "../shapes.ts";
import { SlackError } from "../slack-error.ts";

const target = { channel: z.string().min(1) };
const paged = { cursor: z.string().optional(), limit: count(100, 999) };
const span = { oldest: z.string().optional(), latest: z.string().optional(), inclusive: flag, include_all_metadata: flag };

const list = defineMethod({
  tier: 2,
  scopes: ["channels:read"],
  args: z.object({
    types: z.string().default("public_channel"),
    exclude_archived: flag,
    team_id: z.string().optional(),
    ...paged,
  }),
  run(api, args) {
    const types = args.types.split(",").map((type) => type.trim());
    const unknown = types.filter((type) => !["public_channel", "private_channel", "mpim", "im"].includes(type));
    if (unknown.length > 0) throw new SlackError("invalid_types");
    if (types.includes("private_channel")) needScope(api, "groups:read");
    const seen = api.workspace.state.channels.filter((channel) => {
      const kind = channel.im !== null ? "im" : channel.is_private ? "private_channel" : "public_channel";
      if (args.exclude_archived === true && channel.is_archived) return false;
      return types.includes(kind) && (!channel.is_private || channel.members.includes(botUserId));
    });
    const { items, response_metadata } = page(seen, args);
    return { channels: items.map((channel) => channelShape(api, channel)), response_metadata };
  },
});

const info = defineMethod({
  tier: 3,
  scopes: [],
  args: z.object({ ...target, include_num_members: flag, include_locale: flag }),
  run(api, args) {
    const channel = visibleChannel(api, args.channel);
    // Its own direct conversations an app knows by im:write too.
    if (channel.im === null) needChannelScope(api, channel, "read");
    return { channel: channelShape(api, channel) };
  },
});

const join = defineMethod({
  tier: 3,
  scopes: ["channels:join"],
  args: z.object(target),
  run(api, args) {
    const channel = visibleChannel(api, args.channel);
    if (channel.is_private) throw new SlackError("method_not_supported_for_channel_type");
    if (channel.is_archived) throw new SlackError("is_archived");
    const already = channel.members.includes(botUserId);
    if (!already) channel.members.push(botUserId);
    api.workspace.changed();
    return { channel: channelShape(api, channel), ...(already ? { warning: "already_in_channel" } : {}) };
  },
});

function readable(api: Api, id: string): SandboxChannel {
  const channel = visibleChannel(api, id);
  needChannelScope(api, channel, "history");
  if (!channel.members.includes(botUserId)) throw new SlackError("not_in_channel");
  return channel;
}

function within(
  ts: string,
  { oldest, latest, inclusive }: { oldest?: string | undefined; latest?: string | undefined; inclusive?: boolean | undefined },
): boolean {
  const value = Number(ts);
  if (oldest !== undefined && (inclusive === true ? value < Number(oldest) : value <= Number(oldest))) return false;
  return !(latest !== undefined && (inclusive === true ? value > Number(latest) : value >= Number(latest)));
}

const history = defineMethod({
  tier: 3,
  scopes: [],
  args: z.object({ ...target, ...paged, ...span }),
  run(api, args) {
    const channel = readable(api, args.channel);
    const messages = api.workspace.state.messages
      .filter((one) => one.channel === channel.id && one.thread_ts === null && one.ephemeral_for === null && within(one.ts, args))
      .toReversed();
    const { items, hasMore, response_metadata } = page(messages, args);
    return {
      messages: items.map((message) => messageShape(api.workspace, message, args.include_all_metadata === true)),
      has_more: hasMore,
      pin_count: 0,
      response_metadata,
    };
  },
});

const replies = defineMethod({
  tier: 3,
  scopes: [],
  args: z.object({ ...target, ...paged, ...span, ts: z.string().min(1) }),
  run(api, args) {
    const channel = readable(api, args.channel);
    const asked = api.workspace.message({ channel: channel.id, ts: args.ts });
    if (asked === undefined || asked.ephemeral_for !== null) throw new SlackError("thread_not_found");
    const root = asked.thread_ts ?? asked.ts;
    const messages = api.workspace.state.messages.filter(
      (one) =>
        one.channel === channel.id &&
        one.ephemeral_for === null &&
        (one.ts === root || (one.thread_ts === root && within(one.ts, args))),
    );
    const { items, hasMore, response_metadata } = page(messages, args);
    return {
      messages: items.map((message) => messageShape(api.workspace, message, args.include_all_metadata === true)),
      has_more: hasMore,
      response_metadata,
    };
  },
});

const open = defineMethod({
  tier: 3,
  scopes: ["im:write"],
  args: z.object({ users: z.string().optional(), channel: z.string().optional(), return_im: flag, prevent_creation: flag }),
  run(api, args) {
    if (args.channel !== undefined) return { channel: channelShape(api, visibleChannel(api, args.channel)) };
    if (args.users === undefined) throw new SlackError("users_list_not_supplied");
    const [id = "", ...more] = args.users.split(",");
    if (more.length > 0)
      throw new SlackError("not_enough_users", { needed: "one person: the sandbox has no group conversations" });
    const person = api.workspace.user(id);
    if (person === undefined) throw new SlackError("user_not_found");
    if (person.deleted) throw new SlackError("user_disabled");
    if (person.is_bot) throw new SlackError("cannot_dm_bot");
    const before = api.workspace.state.channels.length;
    const channel = api.workspace.direct(id);
    const already = before === api.workspace.state.channels.length;
    const shape = args.return_im === true ? channelShape(api, channel) : { id: channel.id };
    return { channel: shape, ...(already ? { no_op: true, already_open: true } : {}) };
  },
});

const members = defineMethod({
  tier: 4,
  scopes: [],
  args: z.object({ ...target, ...paged }),
  run(api, args) {
    const channel = visibleChannel(api, args.channel);
    if (channel.im === null) needChannelScope(api, channel, "read");
    const { items, response_metadata } = page(channel.members, args);
    return { members: items, response_metadata };
  },
});

export const conversationMethods = {
  "conversations.list": list,
  "conversations.info": info,
  "conversations.join": join,
  "conversations.history": history,
  "conversations.replies": replies,
  "conversations.open": open,
  "conversations.members": members,
};
