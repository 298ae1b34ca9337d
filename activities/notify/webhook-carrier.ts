import { createHash } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { readSettings } from "../../db/notify-settings.ts";
import type { Db } from "../../db/database.ts";
import { CarrierFault, type Carrier } from "../../domain/carrier.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { noticeTitle } from "../../domain/notice-text.ts";
import type { Notice } from "../../domain/notices.ts";

const timeoutMs = 5_000;

/**
 * Signed webhooks after Standard Webhooks 1.0: `webhook-id` (the same for each try, so that a receiver
 * knows a repetition), `webhook-timestamp`, `webhook-signature`. The destination is the owner team,
 * whose address and sealed secret are read at each sending. Redirects are not followed.
 */
export function createWebhookCarrier(deps: { db: Db; open(sealed: string): string }): Carrier {
  return {
    digestOf: (notice) => digestOfJson(notice),
    async send({ id, destination, notice }) {
      const settings = await readSettings(deps.db, destination);
      if (!settings?.webhook_url || !settings.webhook_secret)
        throw new CarrierFault("refused", `${destination} has no webhook any more.`, {
          code: "no-webhook",
          cure: "Nothing to do.",
        });
      const webhookId = `msg_${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;
      await post(settings.webhook_url, signedRequest({ notice, webhookId, secret: deps.open(settings.webhook_secret) }));
      return { channel: null, ts: webhookId };
    },
  };
}

function signedRequest({ notice, webhookId, secret }: { notice: Notice; webhookId: string; secret: string }) {
  const at = new Date();
  const type = `countersign.${notice.kind}${notice.kind === "gate-event" ? `.${notice.what}` : ""}`;
  const payload = JSON.stringify({ type, timestamp: at.toISOString(), title: noticeTitle(notice), data: notice });
  return {
    body: payload,
    headers: {
      "content-type": "application/json",
      "user-agent": "Countersign",
      "webhook-id": webhookId,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign(webhookId, at, payload),
    },
  };
}

async function post(url: string, request: { body: string; headers: Record<string, string> }): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
    ...request,
  }).catch((error: unknown) => {
    throw new CarrierFault("later", `${originOf(url)} did not answer.`, {
      code: "unreachable",
      cause: error,
      surelyNotSent: false,
    });
  });
  await answer.body?.cancel();
  if (answer.ok) return;
  const words = `${originOf(url)} answered ${answer.status}.`;
  const code = `http-${answer.status}`;
  // 410: the receiver wants no more; other 4xx are its refusal of this message.
  if (answer.status === 429 || answer.status >= 500) {
    const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
    const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 3600) * 1000 : null;
    throw new CarrierFault("later", words, { code, retryAfterMs });
  }
  throw new CarrierFault("refused", words, {
    code,
    cure: "Correct the address or the receiver: countersign notify set <team> --webhook.",
  });
}

/** An address may hold a secret in its path. */
function originOf(url: string): string {
  return URL.parse(url)?.origin ?? "The webhook's address";
}
