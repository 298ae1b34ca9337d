import type { SandboxMessage, WorkspaceState } from "./model.ts";

/** A sandbox for development, not an archive: the oldest go. */
const maxMessages = 20_000;

interface Deps {
  state: WorkspaceState;
  nextTs: () => string;
  changed: () => void;
}

export type NewMessage = Partial<SandboxMessage> & Pick<SandboxMessage, "channel" | "user" | "text">;

/** Messages and their threads. */
export function createMessages({ state, nextTs, changed }: Deps) {
  const message = (at: { channel: string; ts: string }): SandboxMessage | undefined =>
    state.messages.find((one) => one.channel === at.channel && one.ts === at.ts);
  const rootOf = (reply: SandboxMessage) =>
    reply.thread_ts === null || reply.ephemeral_for !== null
      ? undefined
      : message({ channel: reply.channel, ts: reply.thread_ts });

  function addMessage(fields: NewMessage): SandboxMessage {
    const parent = fields.thread_ts == null ? undefined : message({ channel: fields.channel, ts: fields.thread_ts });
    const added: SandboxMessage = {
      ts: nextTs(),
      bot_id: null,
      blocks: null,
      attachments: null,
      reply_count: 0,
      edited: null,
      metadata: null,
      files: [],
      reactions: [],
      ephemeral_for: null,
      tombstone: false,
      is_answer: false,
      answer_to: null,
      ...fields,
      // A reply to a message that is gone becomes one of the channel, silently.
      thread_ts: parent === undefined ? null : (parent.thread_ts ?? parent.ts),
    };
    state.messages.push(added);
    if (state.messages.length > maxMessages) state.messages.splice(0, state.messages.length - maxMessages);
    const root = rootOf(added);
    if (root !== undefined) root.reply_count += 1;
    changed();
    return added;
  }

  /** Gone, or a tombstone where a thread hangs on it. */
  function removeMessage(gone: SandboxMessage): void {
    if (gone.reply_count > 0) {
      const nothing = { blocks: null, attachments: null, metadata: null, files: [] };
      Object.assign(gone, { tombstone: true, text: "This message was deleted.", ...nothing });
    } else {
      state.messages = state.messages.filter((one) => one !== gone);
      const root = rootOf(gone);
      if (root !== undefined) root.reply_count = Math.max(0, root.reply_count - 1);
    }
    changed();
  }

  return { message, addMessage, removeMessage };
}
