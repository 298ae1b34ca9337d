import type { Control } from "../control/control.ts";
import { digestOf } from "../domain/digest.ts";
import type { SlackDeps, SlackLog } from "./deps.ts";

const mostKept = 5_000;

/**
 * Keeps what Slack says was on the screen when somebody clicked, by its digest, so that what was seen
 * is what was signed. It comes from Slack's own signed request, so it is what Slack showed and not what
 * we believe to have sent. A message that many click on is kept once.
 */
export function createShown({ control, log }: { control: Pick<Control, "keepRendered">; log: SlackLog }): SlackDeps["keepShown"] {
  const kept = new Set<string>();
  return async (caller, { gate, what }) => {
    if (what === null) return null;
    const digest = digestOf(what);
    const key = `${gate} ${digest}`;
    if (kept.has(key)) return digest;
    try {
      await control.keepRendered(caller, { gate, mediaType: "application/json", text: what });
    } catch (error) {
      // The decision is about the request's digest all the same; what it refuses, it says itself.
      log.warn({ gate, why: error instanceof Error ? error.name : "unknown" }, "what was shown of a gate could not be kept");
      return null;
    }
    if (kept.size >= mostKept) kept.clear();
    kept.add(key);
    return digest;
  };
}
