import type { EventSettings } from "./people/events.ts";
import type { Credentials } from "./workspace/state-file.ts";
import { publishedRateLimits, type RateLimits } from "./web-api/rate-limits.ts";

export interface SandboxOptions {
  /** 0, the default: any that is free. */
  port?: number;
  host?: string;
  /** Where events, interactions and commands go. */
  eventsUrl?: string;
  /** Without it all is forgotten at the end. */
  stateFolder?: string;
  /** As published, other numbers, or none. */
  rateLimits?: boolean | Partial<RateLimits>;
  /** Milliseconds; what expires and what is limited goes by it, the three seconds by the wall's clock. */
  now?: () => number;
  /** Slack's: at once, after a minute, after five. */
  eventRetryDelaysMs?: number[];
  /** Events that the app subscribed to. */
  events?: string[];
  /** Linked from the page. */
  consoleUrl?: string | null;
  credentials?: Partial<Credentials>;
}

export function eventSettings(options: SandboxOptions): EventSettings {
  return {
    subscribed: options.events ?? ["app_home_opened"],
    retryDelaysMs: options.eventRetryDelaysMs ?? [0, 60_000, 300_000],
  };
}

export function limitsOf(given: SandboxOptions["rateLimits"]): RateLimits | null {
  if (given === false) return null;
  return { ...publishedRateLimits, ...(typeof given === "object" ? given : {}) };
}
