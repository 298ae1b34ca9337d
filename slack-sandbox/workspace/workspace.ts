import { createChanges } from "./changes.ts";
import { createMessages } from "./messages.ts";
import { botUserId } from "./seed.ts";
import { saveState } from "./state-file.ts";
import type { SandboxChannel, SandboxFile, SandboxUser, SandboxView, WorkspaceState } from "./model.ts";

/** Waiting for the app, or Slack's own error because it did not answer. */
export interface Mark {
  actionId: string;
  state: "working" | "failed";
}

export type Workspace = ReturnType<typeof createWorkspace>;

/** Of a person and a message (channel and ts) or view (id). */
export function markKey(user: string, place: string): string {
  return `${user} ${place}`;
}

/**
 * The workspace: people, channels, messages, files and views. Who changes something calls `changed`,
 * which the page's stream, `until` and the file listen to.
 */
export function createWorkspace(options: { state: WorkspaceState; folder?: string | undefined; now: () => number }) {
  const { state, folder, now } = options;
  const changes = createChanges(folder === undefined ? null : () => saveState(folder, state));
  /** Modals by person, the one on top last. */
  const modals = new Map<string, SandboxView[]>();

  /** What the person sees at an element that she used: by `markKey`. */
  const marks = new Map<string, Mark>();

  /** Seconds with six digits of which none comes twice in the workspace, later ones being greater. */
  function nextTs(): string {
    state.newestTs = Math.max(state.newestTs + 1, now() * 1_000);
    const micros = String(state.newestTs);
    return `${micros.slice(0, -6)}.${micros.slice(-6)}`;
  }

  /** Ids as Slack's: a letter and capitals and digits. */
  function nextId(letter: string): string {
    state.counter += 1;
    return `${letter}07${state.counter.toString(36).toUpperCase().padStart(8, "0")}`;
  }

  const messages = createMessages({ state, nextTs, changed: changes.changed });

  /** The direct conversation of the app with somebody, opened when there is none. */
  function direct(userId: string): SandboxChannel {
    const open = state.channels.find((one) => one.im?.user === userId);
    if (open !== undefined) return open;
    const made: SandboxChannel = {
      id: nextId("D"),
      name: "",
      is_private: true,
      is_archived: false,
      is_ext_shared: false,
      im: { user: userId },
      members: [botUserId, userId],
      topic: "",
    };
    state.channels.push(made);
    changes.changed();
    return made;
  }

  return {
    state,
    modals,
    marks,
    now,
    nextTs,
    nextId,
    direct,
    ...changes,
    ...messages,
    user: (id: string): SandboxUser | undefined => state.users.find((one) => one.id === id),
    channel: (id: string): SandboxChannel | undefined => state.channels.find((one) => one.id === id),
    file: (id: string): SandboxFile | undefined => state.files.find((one) => one.id === id),
  };
}
