import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
import type { Digest } from "./ids.ts";

/** SHA-256 of bytes or of a UTF-8 string. Not for workflow code, whose sandbox has no node:crypto. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** SHA-256 over the canonical JSON (RFC 8785) of a value. */
export function digestOfJson(value: unknown): Digest {
  return digestOf(canonicalJson(value));
}
