import { webApi } from "@slack/bolt";
import { CarrierFault, type CarrierFaultKind } from "../domain/carrier.ts";

/** What Slack's error names mean for a message, and what cures each. Others are taken for passing. */
const meanings: Record<string, { kind: CarrierFaultKind; cure: string }> = {
  ...each(["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "org_login_required"], {
    kind: "setup",
    cure: "Install the app again and set SLACK_BOT_TOKEN to its bot token (docs/slack.md).",
  }),
  ...each(["missing_scope", "not_allowed_token_type", "no_permission"], {
    kind: "setup",
    cure: "Give the app the scopes of slack/manifest.yaml and install it again.",
  }),
  ...each(["not_in_channel"], { kind: "place", cure: "Invite the app into the channel: /invite @Countersign." }),
  ...each(["channel_not_found"], {
    kind: "place",
    cure: "Correct the channel's id in the notification settings; a private channel also has to invite the app.",
  }),
  ...each(["is_archived"], { kind: "place", cure: "Name another channel: countersign notify set <team> --channel <id>." }),
  ...each(["user_not_found", "user_disabled", "cannot_dm_bot", "messages_tab_disabled", "restricted_action"], {
    kind: "place",
    cure: "Name a channel or person that the app may write to.",
  }),
  ...each(["message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"], {
    kind: "gone",
    cure: "It was deleted or cannot be changed; it is posted anew.",
  }),
  ...each(["invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text", "invalid_arguments"], {
    kind: "refused",
    cure: "Report it: Slack does not take what Countersign wrote.",
  }),
};

function each(names: string[], meaning: { kind: CarrierFaultKind; cure: string }) {
  return Object.fromEntries(names.map((name) => [name, meaning]));
}

/** What a failed call of Slack's API means. `place` is told in the words. */
export function faultOf(thrown: unknown, about: string): CarrierFault {
  if (thrown instanceof CarrierFault) return thrown;
  if (thrown instanceof webApi.WebAPIRateLimitedError)
    return new CarrierFault("later", `Slack asks to slow down (${about}).`, {
      code: "ratelimited",
      retryAfterMs: thrown.retryAfter * 1000,
    });
  if (thrown instanceof webApi.WebAPIPlatformError) return ofSlack(thrown.data, about);
  if (thrown instanceof webApi.WebAPIHTTPError)
    return new CarrierFault("later", `Slack answered ${thrown.statusCode} (${about}).`, {
      code: `http-${thrown.statusCode}`,
      surelyNotSent: false,
    });
  return new CarrierFault("later", `Slack did not answer (${about}).`, { code: "unreachable", surelyNotSent: false });
}

interface Refused {
  error: string;
  needed?: unknown;
  response_metadata?: { messages?: string[] | undefined };
}

function ofSlack({ error, needed, response_metadata }: Refused, about: string): CarrierFault {
  const meaning = meanings[error] ?? { kind: "later", cure: "It is tried again by itself." };
  const scope = error === "missing_scope" && typeof needed === "string" ? ` The scope ${needed} is missing.` : "";
  const messages = meaning.kind === "refused" ? ` ${(response_metadata?.messages ?? []).join("; ").slice(0, 300)}` : "";
  return new CarrierFault(meaning.kind, `Slack said ${error} (${about}).${scope}${messages}`, {
    code: error,
    cure: meaning.cure,
  });
}
