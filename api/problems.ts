import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { CountersignError, type ErrorCode } from "../domain/errors.ts";
import { problemOf } from "../domain/http/problem.ts";
import { asCountersignError } from "../control/faults.ts";
import type { FaultLog } from "./environment.ts";

/** A fault as its problem document; a body of JSON text that was kept is sent as it is. */
export function problemResponse(error: CountersignError): Response {
  const { status, body } = problemOf(error);
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/problem+json", ...headersOf(error) },
  });
}

function headersOf(error: CountersignError): Record<string, string> {
  const { retryAfterSeconds, allow } = error.extra;
  return {
    ...(error.code === "unauthenticated" && { "www-authenticate": 'Bearer realm="countersign"' }),
    ...(typeof retryAfterSeconds === "number" && { "retry-after": String(retryAfterSeconds) }),
    ...(Array.isArray(allow) && { allow: allow.join(", ") }),
  };
}

const codeOfStatus: Partial<Record<number, ErrorCode>> = {
  400: "malformed-body",
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  413: "too-large",
  415: "unsupported-type",
};

/** Every error that was thrown on the way; one that is ours to mend is logged under an id that the caller gets. */
export function answerFault(error: Error, c: Context, log: FaultLog): Response {
  if (error instanceof HTTPException) {
    const code = codeOfStatus[error.status];
    if (code) return problemResponse(new CountersignError(code, error.message || "The request cannot be answered."));
  }
  const known = asCountersignError(error);
  if (known.code !== "internal") return problemResponse(known);
  const instance = `urn:uuid:${randomUUID()}`;
  log.error({ err: known.cause ?? known, instance, method: c.req.method, path: c.req.path }, "a request failed");
  return problemResponse(new CountersignError("internal", known.message, { extra: { instance } }));
}
