import type { Context } from "hono";
import type { Sent } from "../control/caller.ts";
import { CountersignError } from "../domain/errors.ts";
import { decodeUtf8 } from "../domain/http/utf8.ts";

const jsonType = /^application\/(?:[a-z0-9.+-]+\+)?json$/;
const yamlTypes = new Set(["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"]);

function typeOf(c: Context): string {
  return (c.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** What JSON says, or why it could not be read: control tells it when it is its turn, after `not-found`. Throws `too-large`. */
async function readJson(c: Context): Promise<unknown> {
  const type = typeOf(c);
  if (!jsonType.test(type))
    return new CountersignError("unsupported-type", `The body must be application/json; it came as ${type || "nothing"}.`);
  const text = decodeUtf8(await c.req.arrayBuffer());
  if (text === null) return notUtf8();
  if (text.trim() === "") return new CountersignError("malformed-body", "The body is empty; JSON is expected.");
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return new CountersignError("malformed-body", "The body is no well-formed JSON.");
  }
}

/** A definition's text. Throws `unsupported-type`, `malformed-body`, `too-large`. */
export async function readDefinitionText(c: Context): Promise<{ text: string; format: "json" | "yaml" }> {
  const type = typeOf(c);
  const format = jsonType.test(type) ? "json" : yamlTypes.has(type) ? "yaml" : null;
  if (format === null)
    throw new CountersignError(
      "unsupported-type",
      `A definition is application/json or application/yaml; it came as ${type || "nothing"}.`,
    );
  const text = decodeUtf8(await c.req.arrayBuffer());
  if (text === null) throw notUtf8();
  if (text.trim() === "") throw new CountersignError("malformed-body", "The body is empty; a definition is expected.");
  if (format === "json" && !parses(text)) throw new CountersignError("malformed-body", "The body is no well-formed JSON.");
  return { text, format };
}

function notUtf8(): CountersignError {
  return new CountersignError("malformed-body", "The body is not UTF-8; encode its text so.");
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function idempotencyKey(c: Context): string | null {
  return c.req.header("idempotency-key") ?? null;
}

/** `"sha256:…"`, the same without quotes, or `*`. */
export function ifMatchOf(c: Context): string | null {
  const header = c.req.header("if-match");
  return header === undefined ? null : header.trim().replace(/^W\//, "").replaceAll('"', "");
}

/** What a command's use case takes. Throws `too-large`. */
export async function readCommand(c: Context): Promise<Sent> {
  return { body: await readJson(c), key: idempotencyKey(c) };
}
