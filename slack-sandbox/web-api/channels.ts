import type { SandboxChannel } from "../workspace/model.ts";
import { botUserId } from "../workspace/seed.ts";
import type { Api } from "./method.ts";
import { SlackError } from "./slack-error.ts";

export function needScope(api: Api, needed: string): void {
  const { scopes } = api.workspace.state;
  if (!scopes.includes(needed)) throw new SlackError("missing_scope", { needed, provided: scopes.join(",") });
}

type Right = "history" | "read";

/** `channels:history` for a public channel, `groups:` for a private one, `im:` for a direct one. */
export function needChannelScope(api: Api, channel: SandboxChannel, right: Right): void {
  const kind = channel.im !== null ? "im" : channel.is_private ? "groups" : "channels";
  needScope(api, `${kind}:${right}`);
}

/** What the app may see: a private channel without it is not found. */
export function visibleChannel(api: Api, id: string): SandboxChannel {
  const found = api.workspace.channel(id);
  if (found === undefined || (found.is_private && !found.members.includes(botUserId))) throw new SlackError("channel_not_found");
  return found;
}

/**
 * Where a message goes: a channel's id or name, or a person's id, which means the direct
 * conversation with her.
 */
export function addressedChannel(api: Api, address: string): SandboxChannel {
  const { workspace } = api;
  const person = workspace.user(address);
  if (person !== undefined) {
    if (person.is_bot) throw new SlackError("cannot_dm_bot");
    if (person.deleted) throw new SlackError("channel_not_found");
    return workspace.direct(person.id);
  }
  const named = workspace.state.channels.find((one) => one.im === null && one.name === address.replace(/^#/, ""));
  return visibleChannel(api, named?.id ?? address);
}

/** Of a channel in which the app may write. */
export function writableChannel(api: Api, address: string): SandboxChannel {
  const channel = addressedChannel(api, address);
  if (channel.is_archived) throw new SlackError("is_archived");
  if (!channel.members.includes(botUserId) && !api.workspace.state.scopes.includes("chat:write.public"))
    throw new SlackError("not_in_channel");
  return channel;
}

export function channelShape(api: Api, channel: SandboxChannel): Record<string, unknown> {
  if (channel.im !== null) return { id: channel.id, is_im: true, is_channel: false, user: channel.im.user, is_archived: false };
  return {
    id: channel.id,
    name: channel.name,
    name_normalized: channel.name,
    is_channel: !channel.is_private,
    is_group: channel.is_private,
    is_im: false,
    is_mpim: false,
    is_private: channel.is_private,
    is_archived: channel.is_archived,
    is_general: channel.name === "general",
    is_shared: channel.is_ext_shared,
    is_ext_shared: channel.is_ext_shared,
    is_org_shared: false,
    is_member: channel.members.includes(botUserId),
    creator: api.workspace.state.users[0]?.id,
    created: 1_700_000_000,
    topic: { value: channel.topic, creator: "", last_set: 0 },
    purpose: { value: channel.topic, creator: "", last_set: 0 },
    num_members: channel.members.length,
  };
}
