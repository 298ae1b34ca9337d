import type { Generated, GeneratedAlways } from "kysely";
import type { MessageWay, NoticeKind } from "../../domain/notices.ts";
import type { Time, TimeOrNull, TimeOfWriting, WithDefault } from "./columns.ts";

export interface SlackUsersTable {
  team_id: string;
  user_id: string;
  principal_id: string;
  how: "link" | "directory" | "seed";
  linked_at: TimeOfWriting;
}

export interface SlackLinksTable {
  hash: string;
  team_id: string;
  user_id: string;
  user_name: string;
  created_at: TimeOfWriting;
  expires_at: Time;
  used_at: TimeOrNull;
  used_by: string | null;
}

export interface SlackRequestsTable {
  signature: string;
  at: TimeOfWriting;
}

export interface SlackWorkspacesTable {
  team_id: string;
  name: string;
  /** Sealed. */
  bot_token: string;
  bot_id: string;
  bot_user_id: string;
  added_by: string;
  added_at: TimeOfWriting;
}

export interface NotifySettingsTable {
  team: string;
  slack_team: string | null;
  slack_channel: string | null;
  emails: WithDefault<string[]>;
  webhook_url: string | null;
  /** Sealed. */
  webhook_secret: string | null;
  changed_by: string;
  changed_at: TimeOfWriting;
}

export interface NotifyPeopleTable {
  principal_id: string;
  email: string | null;
  direct: WithDefault<boolean>;
  changed_at: TimeOfWriting;
}

export interface DeliveriesTable {
  id: string;
  number: GeneratedAlways<number>;
  notice: NoticeKind;
  subject: string;
  model: string | null;
  event: number;
  way: MessageWay;
  destination: string;
  parent: string | null;
  wanted: number;
  delivered: Generated<number>;
  state: Generated<"due" | "done" | "failed">;
  channel: string | null;
  ts: string | null;
  digest: string | null;
  tried_at: TimeOrNull;
  attempts: Generated<number>;
  due_at: TimeOfWriting;
  failure: string | null;
  cure: string | null;
  created_at: TimeOfWriting;
  delivered_at: TimeOrNull;
}

export interface CourierCursorTable {
  single: Generated<boolean>;
  seq: number;
}

export interface MessageWaysTable {
  way: MessageWay | "slack-requests";
  code: string;
  detail: string;
  cure: string;
  at: TimeOfWriting;
}
