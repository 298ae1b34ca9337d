import type { Context } from "hono";
import { SlackError } from "./slack-error.ts";

/**
 * The arguments of a call: query, form (also with parts) or JSON, as Slack takes them.
 * @throws SlackError `invalid_json`, `invalid_form_data`, `json_not_object`
 */
export async function readArguments(context: Context): Promise<Record<string, unknown>> {
  const query = context.req.query();
  const type = (context.req.header("content-type") ?? "").toLowerCase();
  if (type.startsWith("application/json")) return { ...query, ...(await readJson(context)) };
  if (type.startsWith("application/x-www-form-urlencoded") || type.startsWith("multipart/form-data")) {
    try {
      return { ...query, ...(await context.req.parseBody()) };
    } catch {
      throw new SlackError("invalid_form_data");
    }
  }
  if (type !== "" && context.req.method === "POST" && Number(context.req.header("content-length") ?? 0) > 0)
    throw new SlackError("invalid_post_type");
  return query;
}

async function readJson(context: Context): Promise<Record<string, unknown>> {
  let body: unknown;
  try {
    body = await context.req.json();
  } catch {
    throw new SlackError("invalid_json");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new SlackError("json_not_object");
  return { ...body };
}
