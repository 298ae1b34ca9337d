import type { BlockAction, SlackViewAction } from "@slack/bolt";
import type { Actor } from "./people.ts";
import type { Whisper } from "./private-answer.ts";

/** What a click says, whatever it was on. */
export interface Click {
  actor: Actor;
  whisper: Whisper;
  triggerId: string;
  /** Unique to this click; Slack gives a second click another one. */
  actionTs: string;
  value: Record<string, unknown>;
  /** What was clicked on, as Slack showed it: JSON of a message, or of the part of a home tab about it. */
  shown: string | null;
}

export function clickOf(body: BlockAction, appTeam: string): Click {
  const [action] = body.actions;
  const value = action && "value" in action && typeof action.value === "string" ? action.value : "{}";
  return {
    actor: { team: appTeam, user: body.user.id, ownTeam: body.user.team_id ?? null },
    whisper: { responseUrl: body.response_url ?? null, triggerId: body.trigger_id },
    triggerId: body.trigger_id,
    actionTs: action?.action_ts ?? "",
    value: readObject(value),
    shown: shownIn(body),
  };
}

export function submitterOf(body: SlackViewAction, appTeam: string): Actor {
  return { team: appTeam, user: body.user.id, ownTeam: body.user.team_id ?? null };
}

function shownIn({ message, view, actions }: BlockAction): string | null {
  if (message) return JSON.stringify({ text: message.text ?? "", blocks: (message["blocks"] as unknown) ?? [] });
  // In the home tab the buttons of a gate stand under what is said of it; the rest of the tab is about others.
  const blocks = view?.blocks ?? [];
  const at = blocks.findIndex((block) => block.block_id === actions[0]?.block_id);
  return at < 0 ? null : JSON.stringify({ blocks: blocks.slice(Math.max(0, at - 1), at + 1) });
}

/** A button's value as this room wrote it; anything else is empty. */
function readObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

export function textIn(value: Record<string, unknown>, name: string): string {
  const text = value[name];
  return typeof text === "string" ? text : "";
}
