import { createHash } from "node:crypto";
import { CountersignError } from "../domain/errors.ts";
import type { ModelName } from "../domain/ids.ts";
import type { Principal } from "../domain/principal.ts";

/** Who sends a request, and what the token is for: all that the principal may do where it names no scopes. */
export interface Bearer {
  principal: Principal;
  scopes: string[];
  /** Whether the principal may see this model. */
  reads(model: ModelName): boolean;
}

/** A revoked token or a changed group is obeyed after this long. */
const keepMs = 5_000;
/** Who may not see a model is looked at again after this long: it may have been registered a moment ago. */
export const keepRefusedMs = 250;
const maxKept = 2_000;

/**
 * Who sends a request. `read` gives the holder of a token's SHA-256, or null. What the database
 * said is kept for five seconds, refusals too; ten thousand wrong tokens push each other out.
 */
export function createBearer(read: (hash: string) => Promise<Bearer | null>) {
  const kept = new Map<string, { answer: Promise<Bearer | null>; readAt: number }>();

  /** Throws `unauthenticated`, `forbidden` for a token of another scope, and `unavailable` while the database is away. */
  return async function bearerOf(
    authorization: string | undefined,
    scope: "predict" | "read",
    mostAgeMs = keepMs,
  ): Promise<Bearer> {
    const token = /^Bearer ([\x21-\x7e]{1,500})$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) throw new CountersignError("unauthenticated", "This needs a token.");
    const hash = createHash("sha256").update(token).digest("hex");
    const now = performance.now();
    let entry = kept.get(hash);
    if (entry === undefined || entry.readAt + mostAgeMs <= now) {
      entry = { answer: read(hash), readAt: now };
      kept.delete(hash);
      kept.set(hash, entry);
      // A failure is no answer.
      entry.answer.catch(() => kept.delete(hash));
      for (const oldest of kept.keys()) {
        if (kept.size <= maxKept) break;
        kept.delete(oldest);
      }
    }
    const bearer = await entry.answer.catch((error: unknown) => {
      throw new CountersignError("unavailable", "Who you are cannot be checked while the database is away.", { cause: error });
    });
    if (bearer === null) throw new CountersignError("unauthenticated", "This token is unknown, expired or revoked.");
    if (bearer.scopes.length > 0 && !bearer.scopes.includes(scope))
      throw new CountersignError(
        "forbidden",
        `This token is for ${bearer.scopes.join(", ")} only; this needs the scope ${scope}.`,
      );
    return bearer;
  };
}
