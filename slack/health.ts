import type { webApi } from "@slack/bolt";
import { CarrierFault } from "../domain/carrier.ts";
import { faultOf } from "./faults.ts";
import { createClient } from "./workspaces.ts";

export type SlackHealth = { code: string; detail: string; cure: string };

/** What the product uses; slack/manifest.yaml names the same. */
export const neededScopes = [
  "chat:write",
  "commands",
  "users:read",
  "channels:read",
  "groups:read",
  "channels:history",
  "groups:history",
  "im:write",
  "im:history",
  "files:write",
] as const;

/** To look at verified addresses, where the directory is switched on. */
const directoryScope = "users:read.email";
const timeoutMs = 3_000;

/**
 * Whether the token works, has its scopes, and the default channel can be written to: asked at the
 * start and now and then, so that an operator hears of it before an approver does.
 */
export async function checkSlack(options: {
  botToken: string;
  slackApiUrl: string | null;
  channel: string | null;
  /** Whether people are linked by their verified address. */
  byDirectory: boolean;
}): Promise<SlackHealth> {
  const client = createClient({ token: options.botToken, slackApiUrl: options.slackApiUrl, timeoutMs });
  try {
    const { response_metadata } = await client.auth.test();
    const needed = options.byDirectory ? [...neededScopes, directoryScope] : neededScopes;
    const missing = missingScopes(needed, response_metadata?.scopes);
    if (missing.length > 0)
      return {
        code: "missing_scope",
        detail: `The app lacks ${missing.join(", ")}.`,
        cure: "Give the app the scopes of slack/manifest.yaml and install it again.",
      };
    return options.channel === null ? ok : await checkChannel(client, options.channel);
  } catch (error) {
    return told(faultOf(error, "auth.test"));
  }
}

const ok: SlackHealth = { code: "ok", detail: "answers", cure: "" };

function missingScopes(needed: readonly string[], granted: string[] | undefined): string[] {
  return granted === undefined ? [] : needed.filter((scope) => !granted.includes(scope));
}

async function checkChannel(client: webApi.WebClient, channel: string): Promise<SlackHealth> {
  try {
    const { channel: found } = await client.conversations.info({ channel });
    if (found?.is_archived === true) return told(faultOf(asFault("is_archived", channel), channel));
    if (found?.is_member === false) return told(asFault("not_in_channel", channel));
    return ok;
  } catch (error) {
    return told(faultOf(error, channel));
  }
}

function asFault(code: "is_archived" | "not_in_channel", channel: string): CarrierFault {
  const cures = {
    is_archived: "Name another channel: SLACK_CHANNEL, or countersign notify set <team> --channel <id>.",
    not_in_channel: "Invite the app into the channel: /invite @Countersign.",
  };
  const words = {
    is_archived: `The channel ${channel} is archived.`,
    not_in_channel: `The app is not in the channel ${channel}.`,
  };
  return new CarrierFault("place", words[code], { code, cure: cures[code] });
}

function told({ code, message, cure }: CarrierFault): SlackHealth {
  return { code, detail: message, cure };
}
