import { createMiddleware } from "hono/factory";
import { CountersignError } from "../domain/errors.ts";
import type { ApiEnv } from "./environment.ts";

export interface Rate {
  /** Requests that a principal may send at once after a pause. */
  burst: number;
  perSecond: number;
}

/** Far above what a person or a pipeline needs; it stops a loop gone wild from taking the server from others. */
export const defaultRate: Rate = { burst: 600, perSecond: 100 };
/** Buckets that are full again say nothing; they are dropped when there are so many. */
const mostBuckets = 10_000;

interface Bucket {
  tokens: number;
  at: number;
}

/** A token bucket for each principal, in this process. */
export function limitRate(rate: Rate, now: () => number = Date.now) {
  const buckets = new Map<string, Bucket>();
  const filled = (bucket: Bucket, at: number) => Math.min(rate.burst, bucket.tokens + ((at - bucket.at) / 1000) * rate.perSecond);

  return createMiddleware<ApiEnv>(async (c, next) => {
    const at = now();
    const { id } = c.get("caller").principal;
    const bucket = buckets.get(id) ?? { tokens: rate.burst, at };
    const tokens = filled(bucket, at);
    if (tokens < 1) {
      const retryAfterSeconds = Math.max(1, Math.ceil((1 - tokens) / rate.perSecond));
      throw new CountersignError("too-many-requests", `${id} sends more than ${rate.perSecond} requests a second.`, {
        extra: { retryAfterSeconds },
      });
    }
    buckets.set(id, { tokens: tokens - 1, at });
    if (buckets.size > mostBuckets) for (const [key, one] of buckets) if (filled(one, at) >= rate.burst) buckets.delete(key);
    await next();
  });
}
