import { setTimeout as sleep } from "node:timers/promises";
import { CliError, exitCodes } from "./exit.ts";

/** Pauses grow from the first to the longest, or as long as Retry-After says. */
const firstPauseMs = 250;
const longestPauseMs = 5_000;

export interface Persistence {
  url: string;
  /** How long it is tried again before the last answer, or the lack of one, is told. */
  forMs: number;
  /** Told once, when an outage begins. */
  onOutage(message: string): void;
}

/** The same request again on a network failure and on answers that say "later", under one key. */
export async function persistently(attempt: () => Promise<Response>, { url, forMs, onOutage }: Persistence): Promise<Response> {
  const until = Date.now() + forMs;
  let told = false;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    let waitMs = pauseMs;
    try {
      const response = await attempt();
      if (!(await saysLater(response))) return response;
      waitMs = Math.max(pauseMs, retryAfterMs(response));
      if (Date.now() + waitMs > until) return response;
    } catch (error) {
      if (Date.now() + waitMs > until) throw unreachable(url, error);
    }
    if (!told) onOutage(`${url} does not answer; it is tried for ${Math.round(forMs / 1000)} s.`);
    told = true;
    await sleep(waitMs);
  }
}

async function saysLater(response: Response): Promise<boolean> {
  if (response.status === 503 || response.status === 502 || response.status === 504 || response.status === 429) return true;
  if (response.status !== 409) return false;
  const problem: unknown = await response
    .clone()
    .json()
    .catch(() => null);
  return typeof problem === "object" && problem !== null && "code" in problem && problem.code === "key-in-use";
}

function retryAfterMs(response: Response): number {
  const seconds = Number(response.headers.get("retry-after") ?? "0");
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}

export function unreachable(url: string, error: unknown): CliError {
  if (error instanceof CliError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? ("code" in cause ? String(cause.code) : cause.message) : String(cause);
  return new CliError(exitCodes.notReachable, `${url} cannot be reached (${why}).`, {
    cure: "Is it running? `npm start` starts a development instance.",
  });
}
