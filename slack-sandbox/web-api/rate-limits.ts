import type { Tier } from "./method.ts";

/**
 * Slack's published rate limits (docs.slack.dev/apis/web-api/rate-limits): so many calls a minute of
 * one method, and messages at one a second and channel. Slack lets short bursts pass and does not say
 * how long ones; a bucket holds `burst` calls.
 */
export interface RateLimits {
  messagesPerSecondPerChannel: number;
  messageBurst: number;
  perMinute: Record<1 | 2 | 3 | 4 | "special", number>;
}

export const publishedRateLimits: RateLimits = {
  messagesPerSecondPerChannel: 1,
  messageBurst: 1,
  // "Special" methods say "hundreds of requests a minute".
  perMinute: { 1: 1, 2: 20, 3: 50, 4: 100, special: 600 },
};

interface Bucket {
  tokens: number;
  at: number;
}

/** Gives the seconds to wait, 0 when the call may pass. */
export type RateLimiter = (call: { method: string; tier: Tier; channel: string }) => number;

export function createRateLimiter(limits: RateLimits, now: () => number): RateLimiter {
  const buckets = new Map<string, Bucket>();

  return ({ method, tier, channel }) => {
    const isMessage = tier === "message";
    const perSecond = isMessage ? limits.messagesPerSecondPerChannel : limits.perMinute[tier] / 60;
    const size = isMessage ? limits.messageBurst : limits.perMinute[tier];
    const key = isMessage ? `${method} ${channel}` : method;
    const bucket = buckets.get(key) ?? { tokens: size, at: now() };
    const tokens = Math.min(size, bucket.tokens + ((now() - bucket.at) / 1_000) * perSecond);
    const passes = tokens >= 1;
    buckets.set(key, { tokens: passes ? tokens - 1 : tokens, at: now() });
    // Whole seconds, as the header has them, and one at least.
    return passes ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond));
  };
}
