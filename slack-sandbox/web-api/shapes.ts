import { appId, appName, botId, botUserId, teamId } from "../workspace/seed.ts";
import type { SandboxFile, SandboxMessage, SandboxUser, SandboxView } from "../workspace/model.ts";
import type { Workspace } from "../workspace/workspace.ts";

export const botProfile = {
  id: botId,
  deleted: false,
  name: appName,
  updated: 1_700_000_000,
  app_id: appId,
  user_id: botUserId,
  icons: {},
  team_id: teamId,
};

/** Minutes east of Greenwich now, times sixty. */
function offsetSeconds(tz: string, now: number): number {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: tz, timeZoneName: "longOffset" }).formatToParts(now);
  const [, sign, hours, minutes] =
    /GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(parts.find(({ type }) => type === "timeZoneName")?.value ?? "") ?? [];
  return hours === undefined ? 0 : (sign === "-" ? -1 : 1) * (Number(hours) * 3_600 + Number(minutes) * 60);
}

/** A person as `users.info` tells. `withEmail` needs `users:read.email`. */
export function userShape(user: SandboxUser, { withEmail, now }: { withEmail: boolean; now: number }): Record<string, unknown> {
  const profile = {
    real_name: user.real_name,
    display_name: user.display_name,
    real_name_normalized: user.real_name,
    display_name_normalized: user.display_name,
    team: user.team_id,
    ...(withEmail && user.email !== null && !user.is_stranger ? { email: user.email } : {}),
  };
  if (user.deleted)
    return {
      id: user.id,
      team_id: user.team_id,
      name: user.name,
      deleted: true,
      profile,
      is_bot: user.is_bot,
      updated: 1_700_000_000,
    };
  return {
    id: user.id,
    team_id: user.team_id,
    name: user.name,
    deleted: false,
    real_name: user.real_name,
    tz: user.tz,
    tz_label: user.tz,
    tz_offset: offsetSeconds(user.tz, now),
    profile,
    is_admin: user.is_admin,
    is_owner: false,
    is_primary_owner: false,
    is_restricted: user.is_restricted,
    is_ultra_restricted: false,
    is_bot: user.is_bot,
    is_app_user: false,
    is_email_confirmed: true,
    ...(user.is_stranger ? { is_stranger: true } : {}),
    updated: 1_700_000_000,
  };
}

export function messageShape(workspace: Workspace, message: SandboxMessage, withMetadata = false): Record<string, unknown> {
  const isApp = message.user === botUserId;
  const parent = message.thread_ts === null ? undefined : workspace.message({ channel: message.channel, ts: message.thread_ts });
  return {
    type: "message",
    ...(message.tombstone ? { subtype: "tombstone", hidden: true } : {}),
    user: message.tombstone ? "USLACKBOT" : message.user,
    ts: message.ts,
    ...(isApp && !message.tombstone ? { bot_id: botId, app_id: appId, bot_profile: botProfile } : {}),
    text: message.text,
    team: teamId,
    ...(message.blocks === null ? {} : { blocks: message.blocks }),
    ...(message.attachments === null ? {} : { attachments: message.attachments }),
    ...(message.edited === null ? {} : { edited: message.edited }),
    ...(message.files.length === 0 ? {} : { files: message.files.flatMap((id) => fileShapes(workspace, id)) }),
    ...(message.reactions.length === 0
      ? {}
      : { reactions: message.reactions.map((one) => ({ ...one, count: one.users.length })) }),
    ...(message.thread_ts !== null ? { thread_ts: message.thread_ts, parent_user_id: parent?.user } : {}),
    ...(message.reply_count > 0 ? { thread_ts: message.ts, reply_count: message.reply_count } : {}),
    ...(withMetadata && message.metadata !== null ? { metadata: message.metadata } : {}),
  };
}

function fileShapes(workspace: Workspace, id: string): Record<string, unknown>[] {
  const file = workspace.file(id);
  return file === undefined ? [] : [fileShape(file, "")];
}

export function fileShape(file: SandboxFile, url: string): Record<string, unknown> {
  return {
    id: file.id,
    name: file.name,
    title: file.title,
    mimetype: file.mimetype,
    filetype: file.mimetype.split("/").at(-1),
    size: file.size,
    alt_txt: file.alt_text,
    user: botUserId,
    url_private: `${url}/files/${file.id}/${encodeURIComponent(file.name)}`,
    permalink: `${url}/files/${file.id}/${encodeURIComponent(file.name)}`,
    channels: file.channels,
  };
}

/** A view as `views.*` answers and as interactions carry it; `state` holds what the person filled in. */
export function viewShape(view: SandboxView, state: Record<string, unknown> = {}): Record<string, unknown> {
  const { view: given } = view;
  const modal =
    given.type === "modal"
      ? {
          title: given.title,
          submit: given.submit ?? null,
          close: given.close ?? null,
          clear_on_close: given.clear_on_close ?? false,
          notify_on_close: given.notify_on_close ?? false,
        }
      : {};
  return {
    id: view.id,
    team_id: teamId,
    type: given.type,
    blocks: given.blocks,
    private_metadata: given.private_metadata ?? "",
    callback_id: given.callback_id ?? "",
    state: { values: state },
    hash: view.hash,
    ...modal,
    previous_view_id: view.previous_view_id,
    root_view_id: view.root_view_id,
    app_id: appId,
    external_id: given.external_id ?? "",
    app_installed_team_id: teamId,
    bot_id: botId,
  };
}
