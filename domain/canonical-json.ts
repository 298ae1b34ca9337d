import canonicalize from "canonicalize";

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };

/**
 * Canonical JSON (RFC 8785): sorted keys, one spelling for each number. What is signed or
 * digested goes through here, so that two writers of the same fact give the same bytes.
 * Throws a TypeError for what JSON cannot hold (NaN, Infinity).
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("This value has no JSON form.");
  return text;
}
