import { verifySlackRequest } from "@slack/bolt";

/** Slack's payloads have some tens of kilobytes. */
export const maxBodyBytes = 512 * 1024;
/** Slack's own advice. */
const oldestMs = 5 * 60_000;
/** Clocks differ a little; a signature from the future could be kept for later. */
const furthestAheadMs = 60_000;

export type Checked =
  | { ok: true; signature: string; body: Record<string, unknown> }
  | { ok: false; status: number; why: string; isForged: boolean };

/** The raw body, or null when it is larger than allowed: reading ends there, whatever the sender said of its length. */
export async function readRaw(request: Request): Promise<string | null> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBodyBytes) return null;
  if (!request.body) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body) {
    // A request's body gives bytes.
    const part = chunk as Uint8Array;
    bytes += part.byteLength;
    if (bytes > maxBodyBytes) return null;
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Whether Slack itself sent this, lately, and what it says. */
export function checkRequest(
  request: { raw: string; headers: Headers },
  { signingSecret, nowMs }: { signingSecret: string; nowMs: number },
): Checked {
  const { raw, headers } = request;
  const signature = headers.get("x-slack-signature") ?? "";
  const timestamp = headers.get("x-slack-request-timestamp") ?? "";
  if (!/^\d{1,12}$/.test(timestamp) || signature === "") return refused(401, "not signed");
  const at = Number(timestamp) * 1000;
  if (at < nowMs - oldestMs || at > nowMs + furthestAheadMs) return refused(401, "signed at another time");
  try {
    verifySlackRequest({
      signingSecret,
      body: raw,
      headers: { "x-slack-signature": signature, "x-slack-request-timestamp": Number(timestamp) },
      nowMilliseconds: nowMs,
    });
  } catch {
    return { ...refused(401, "not Slack's signature"), isForged: true };
  }
  const body = parse(raw, headers.get("content-type") ?? "");
  return body === null ? refused(400, "not readable") : { ok: true, signature, body };
}

function refused(status: number, why: string): Extract<Checked, { ok: false }> {
  return { ok: false, status, why, isForged: false };
}

/** Events are JSON; interactions and commands are forms, interactions with JSON in `payload`. */
function parse(raw: string, type: string): Record<string, unknown> | null {
  try {
    const value: unknown = type.includes("application/x-www-form-urlencoded") ? formOf(raw) : JSON.parse(raw);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

function formOf(raw: string): unknown {
  const fields = Object.fromEntries(new URLSearchParams(raw));
  return fields["payload"] === undefined ? fields : JSON.parse(fields["payload"]);
}

interface TeamFields {
  team?: { id?: unknown } | null;
  team_id?: unknown;
  api_app_id?: unknown;
  authorizations?: { team_id?: unknown }[] | null;
  view?: { app_installed_team_id?: unknown };
}

/** The workspaces that a payload is about: the one where the app is installed is among them. */
export function teamsOf(body: Record<string, unknown>): string[] {
  // Fields of Slack's payloads, each looked at before it is taken.
  const { team, team_id, authorizations, view } = body as TeamFields;
  const named = [team?.id, team_id, view?.app_installed_team_id, ...(authorizations ?? []).map((one) => one.team_id)];
  return named.filter((id): id is string => typeof id === "string");
}
