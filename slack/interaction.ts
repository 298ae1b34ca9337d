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
  };
}

export function submitterOf(body: SlackViewAction, appTeam: string): Actor {
  return { team: appTeam, user: body.user.id, ownTeam: body.user.team_id ?? null };
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
