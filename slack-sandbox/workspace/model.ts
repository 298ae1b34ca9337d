import type { Block } from "../blocks/blocks.ts";
import type { AnyView } from "../blocks/views.ts";

/** What the workspace holds, as far as an app or a person can see it. */
export interface SandboxUser {
  id: string;
  team_id: string;
  name: string;
  real_name: string;
  display_name: string;
  email: string | null;
  tz: string;
  deleted: boolean;
  is_bot: boolean;
  /** A guest of many channels. */
  is_restricted: boolean;
  /** Of another workspace, met in a shared channel. */
  is_stranger: boolean;
  is_admin: boolean;
}

export interface SandboxChannel {
  id: string;
  name: string;
  is_private: boolean;
  is_archived: boolean;
  is_ext_shared: boolean;
  /** The two of a direct conversation; null for channels. */
  im: { user: string } | null;
  members: string[];
  topic: string;
}

export interface MessageMetadata {
  event_type: string;
  event_payload: Record<string, unknown>;
}

export interface SandboxMessage {
  channel: string;
  ts: string;
  user: string;
  bot_id: string | null;
  text: string;
  blocks: Block[] | null;
  attachments: unknown[] | null;
  thread_ts: string | null;
  reply_count: number;
  edited: { user: string; ts: string } | null;
  metadata: MessageMetadata | null;
  files: string[];
  reactions: { name: string; users: string[] }[];
  /** Only for this person, and gone when Slack is loaded anew. */
  ephemeral_for: string | null;
  /** A deleted message with replies stays as a tombstone. */
  tombstone: boolean;
  /** Answers by `response_url` or a command. */
  is_answer: boolean;
  /** The trigger of the click or command that it answers; nobody but a test sees it. */
  answer_to: string | null;
}

export interface SandboxView {
  id: string;
  hash: string;
  user: string;
  root_view_id: string;
  previous_view_id: string | null;
  view: AnyView & { blocks: Block[] };
  /** At the field, by block id: what the app answered to a submission. */
  errors: Record<string, string>;
  /** Slack's own error mark: the app did not answer in time or not well. */
  trouble: boolean;
}

export interface SandboxFile {
  id: string;
  name: string;
  title: string;
  mimetype: string;
  size: number;
  alt_text: string;
  /** Where its bytes are. */
  content: string;
  uploaded: boolean;
  completed: boolean;
  channels: string[];
}

/** What a restart keeps. Modals and ephemeral messages go, as they do when Slack's client is loaded anew. */
export interface WorkspaceState {
  users: SandboxUser[];
  channels: SandboxChannel[];
  messages: SandboxMessage[];
  files: SandboxFile[];
  homes: SandboxView[];
  /** By person and channel: the newest message that she has seen. */
  read: Record<string, Record<string, string>>;
  /** Microseconds of the newest `ts`, so that none comes twice. */
  newestTs: number;
  counter: number;
  scopes: string[];
}
