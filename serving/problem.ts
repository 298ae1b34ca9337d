import { CountersignError } from "../domain/errors.ts";
import { problemOf } from "../domain/http/problem.ts";

/** While something is away: when to ask again, unless the error knows better. */
const retryAfterSeconds = 2;

/** A fault as RFC 9457 problem document. What is no CountersignError tells nothing of itself. */
export function problemResponse(error: unknown): Response {
  const found = error instanceof CountersignError ? error : new CountersignError("internal", "Something went wrong here.");
  const { status, body } = problemOf(found);
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (status === 503) {
    const known = found.extra["retryAfterSeconds"];
    headers["retry-after"] = String(typeof known === "number" ? known : retryAfterSeconds);
  }
  // The rest of a body that is too large is not read: the connection cannot take another request.
  if (status === 413) headers["connection"] = "close";
  if (status === 401) headers["www-authenticate"] = "Bearer";
  return new Response(JSON.stringify(body), { status, headers });
}
