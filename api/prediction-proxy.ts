import { requireScope } from "../control/read-rights.ts";
import { CountersignError } from "../domain/errors.ts";
import type { ApiDeps } from "./environment.ts";
import type { ApiContext } from "./routing.ts";

const answersWithinMs = 30_000;

/** Hands a prediction request to the prediction server, with the caller's own token: it checks rights and rows itself. */
export async function passOn(
  c: ApiContext,
  { servingUrl }: ApiDeps,
  to: { model: string; environment: string },
): Promise<Response> {
  requireScope(c.get("caller"), "predict");
  const authorization = c.req.header("authorization");
  if (authorization === undefined)
    throw new CountersignError("unauthenticated", "Predictions need a bearer token; a session is for the pages.");
  if (servingUrl === null)
    throw new CountersignError("unavailable", "This server knows no prediction server (COUNTERSIGN_SERVING_URL).");
  const url = new URL(`/api/models/${encodeURIComponent(to.model)}/predictions`, servingUrl);
  url.searchParams.set("environment", to.environment);
  const contentType = c.req.header("content-type");
  const body = await c.req.arrayBuffer();
  const headers = { authorization, ...(contentType !== undefined && { "content-type": contentType }) };
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "error",
      signal: AbortSignal.timeout(answersWithinMs),
    });
    const passed = new Headers();
    for (const name of ["content-type", "retry-after"]) {
      const value = answer.headers.get(name);
      if (value !== null) passed.set(name, value);
    }
    return new Response(answer.body, { status: answer.status, headers: passed });
  } catch (error) {
    throw new CountersignError("unavailable", "The prediction server does not answer.", {
      extra: { retryAfterSeconds: 1 },
      cause: error,
    });
  }
}
