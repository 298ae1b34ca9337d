import type { z } from "zod";
import { CountersignError, type Fault } from "../domain/errors.ts";

/** Faults as people read them: one an issue, unknown fields each by its name. */
export function faultsOf(error: z.ZodError): Fault[] {
  return error.issues.flatMap((issue): Fault[] => {
    const path = issue.path.map(String);
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({ path: [...path, key].join("."), message: "is no field of this request" }));
    return [{ path: path.join("."), message: issue.message }];
  });
}

/** Postgres keeps neither NUL nor half a surrogate pair; JSON.stringify writes both as escapes. */
export function unstorable(value: unknown): Fault[] {
  const found = /\\u(?:0000|d[89ab][0-9a-f]{2}|d[c-f][0-9a-f]{2})/i.test(JSON.stringify(value) ?? "");
  return found ? [{ path: "", message: "holds characters that cannot be kept (NUL or half a surrogate pair)" }] : [];
}

/** The body as its schema wants it. Throws `invalid` with every fault, or why the body could not be read at all. */
export function checkBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  if (body instanceof CountersignError) throw body;
  const parsed = schema.safeParse(body);
  const faults = parsed.success ? unstorable(parsed.data) : faultsOf(parsed.error);
  if (parsed.success && faults.length === 0) return parsed.data;
  const words = faults.map((fault) => `${fault.path || "the body"}: ${fault.message}`).join("; ");
  throw new CountersignError("invalid", `The request is not valid: ${words}.`, { faults });
}
