import type { webApi } from "@slack/bolt";
import { sentenceView } from "./blocks/forms.ts";
import type { SlackLog } from "./deps.ts";

/** Where one person is told something that nobody else sees. */
export interface Whisper {
  /** Of the message or command; a home tab has none. */
  responseUrl: string | null;
  triggerId: string | null;
}

const timeoutMs = 3_000;

/**
 * Tells a sentence to one person: under what was clicked, or in a window where there is no message.
 * Never throws: what was decided stands whether or not it can be told.
 */
export async function whisper(
  client: webApi.WebClient,
  to: Whisper,
  { sentence, log }: { sentence: string; log: SlackLog },
): Promise<void> {
  try {
    if (to.responseUrl !== null) {
      const answer = await fetch(to.responseUrl, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ response_type: "ephemeral", replace_original: false, text: sentence }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      await answer.body?.cancel();
      return;
    }
    if (to.triggerId !== null) await client.views.open({ trigger_id: to.triggerId, view: sentenceView("Countersign", sentence) });
  } catch (error) {
    // The address of the answer is a secret of its own.
    log.warn({ why: error instanceof Error ? error.name : "unknown" }, "a private answer did not reach its reader");
  }
}
