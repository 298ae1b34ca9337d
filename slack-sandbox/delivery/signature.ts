import { createHmac } from "node:crypto";

/** `X-Slack-Signature`: version 0, HMAC-SHA256 over version, timestamp and the body as it goes out. */
export function slackSignature(secret: string, timestamp: number, body: string): string {
  return `v0=${createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex")}`;
}
