import { z } from "zod";
import { errorCodes, type CountersignError, type ErrorCode } from "../errors.ts";
import { receiptSchema } from "./gate-views.ts";

/** Faults as RFC 9457 problem documents: one shape for all surfaces, and what an idempotent replay gives back byte for byte. */
const codes = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

export const faultSchema = z.object({
  file: z.string().optional().describe("where the definition names files of its own"),
  path: z.string(),
  message: z.string(),
  line: z.int().optional(),
  column: z.int().optional(),
});

export const problemSchema = z
  .object({
    type: z.string().describe("urn:countersign:problem:<code>"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(codes),
    cure: z.string().describe("what can be done about it"),
    instance: z.string().optional().describe("with `internal`: under which id it stands in the log"),
    allow: z.array(z.string()).optional().describe("with `method-not-allowed`: also the Allow header"),
    retryAfterSeconds: z.int().optional().describe("also the Retry-After header"),
    errors: z.array(faultSchema).optional().describe("with bad input: every fault, with its place"),
    ...receiptSchema.partial().shape,
  })
  .meta({ id: "Problem" });
export type Problem = z.output<typeof problemSchema>;

const titles: Partial<Record<ErrorCode, string>> = {
  unauthenticated: "No valid identity",
  forbidden: "Not permitted",
  "not-found": "Not found",
  invalid: "Invalid input",
  "malformed-body": "Malformed body",
  "unsupported-type": "Unsupported content type",
  "method-not-allowed": "Method not allowed",
  "too-large": "Too large",
  "too-many-requests": "Too many requests",
  unavailable: "Unavailable for the moment",
  internal: "Internal fault",
};

function titleOf(code: ErrorCode): string {
  const words = code.replaceAll("-", " ");
  return titles[code] ?? `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

/** The problem document of an error: no stack, nothing of the request but what the error itself says. */
export function problemOf(error: CountersignError): { status: number; body: Problem } {
  const { status } = errorCodes[error.code];
  return {
    status,
    body: {
      type: `urn:countersign:problem:${error.code}`,
      title: titleOf(error.code),
      status,
      detail: error.message,
      code: error.code,
      cure: error.cure,
      ...(error.faults.length > 0 && { errors: error.faults }),
      ...error.extra,
    },
  };
}
