import type { SandboxChannel, SandboxMessage, SandboxUser } from "../workspace/model.ts";
import { botUserId } from "../workspace/seed.ts";
import type { Workspace } from "../workspace/workspace.ts";
import type { Reader } from "./mrkdwn.ts";

/** Who looks at what. */
export interface Visit {
  user: SandboxUser;
  /** A channel's id, `home` for the app's home tab, `log` for what went over the wire. */
  place: string;
  channel: SandboxChannel | null;
  thread: SandboxMessage | null;
  reader: Reader;
}

export interface Asked {
  as?: string | undefined;
  in?: string | undefined;
  thread?: string | undefined;
  zone?: string | undefined;
}

/** Those who can sign in: whoever left cannot, and bots do not. */
export function visitors(workspace: Workspace): SandboxUser[] {
  return workspace.state.users.filter((user) => !user.deleted && !user.is_bot);
}

export function channelsOf(workspace: Workspace, user: SandboxUser): SandboxChannel[] {
  return workspace.state.channels.filter((channel) => channel.im === null && channel.members.includes(user.id));
}

/** What an address asks for, as far as this person may see it; else the first channel. */
export function readVisit(workspace: Workspace, asked: Asked): Visit {
  const all = visitors(workspace);
  const user = all.find((one) => one.name === asked.as || one.id === asked.as) ?? all[0];
  if (user === undefined) throw new Error("Nobody is left in the sandbox.");
  const reader: Reader = {
    user,
    zone: knownZone(asked.zone) ?? user.tz,
    now: workspace.now(),
    findUser: workspace.user,
    findChannel: workspace.channel,
  };
  if (asked.in === "home" || asked.in === "log") return { user, place: asked.in, channel: null, thread: null, reader };
  const own = [...channelsOf(workspace, user), workspace.direct(user.id)];
  const channel = own.find((one) => one.id === asked.in || (one.name !== "" && one.name === asked.in)) ?? own[0] ?? null;
  const thread =
    channel === null || asked.thread === undefined || asked.thread === ""
      ? null
      : (workspace.message({ channel: channel.id, ts: asked.thread }) ?? null);
  return { user, place: channel?.id ?? "log", channel, thread, reader };
}

function knownZone(zone: string | undefined): string | null {
  return zone !== undefined && (zone === "UTC" || Intl.supportedValuesOf("timeZone").includes(zone)) ? zone : null;
}

const seesIt = (message: SandboxMessage, user: SandboxUser) =>
  message.ephemeral_for === null || message.ephemeral_for === user.id;

/** Of the channel itself, what this person sees, the oldest first. */
export function channelMessages(
  workspace: Workspace,
  { channel, user }: { channel: SandboxChannel; user: SandboxUser },
): SandboxMessage[] {
  return workspace.state.messages.filter((one) => one.channel === channel.id && one.thread_ts === null && seesIt(one, user));
}

export function threadMessages(
  workspace: Workspace,
  { root, user }: { root: SandboxMessage; user: SandboxUser },
): SandboxMessage[] {
  return workspace.state.messages.filter(
    (one) => one.channel === root.channel && (one.ts === root.ts || one.thread_ts === root.ts) && seesIt(one, user),
  );
}

/** Messages of others that came since this person last looked. */
export function unread(workspace: Workspace, { channel, user }: { channel: SandboxChannel; user: SandboxUser }): number {
  const seen = workspace.state.read[user.id]?.[channel.id] ?? "0";
  return workspace.state.messages.filter(
    (one) => one.channel === channel.id && one.user !== user.id && Number(one.ts) > Number(seen) && seesIt(one, user),
  ).length;
}

/** She looks at the channel now; tells whether that was news. */
export function markRead(workspace: Workspace, { channel, user }: { channel: SandboxChannel; user: SandboxUser }): boolean {
  if (unread(workspace, { channel, user }) === 0) return false;
  const newest = workspace.state.messages.findLast((one) => one.channel === channel.id && seesIt(one, user));
  workspace.state.read[user.id] = { ...workspace.state.read[user.id], [channel.id]: newest?.ts ?? "0" };
  return true;
}

export function authorName(workspace: Workspace, id: string): string {
  if (id === "USLACKBOT") return "Slackbot";
  return workspace.user(id)?.display_name ?? id;
}

export const isApp = (id: string) => id === botUserId;
