import type { OpenAPIHono, RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import { z } from "zod";
import { faultsOf, unstorable } from "../control/request-body.ts";
import { CountersignError, errorCodes, type ErrorCode } from "../domain/errors.ts";
import { problemSchema } from "../domain/http/problem.ts";
import type { ApiEnv } from "./environment.ts";

export type ApiContext = Context<ApiEnv>;

export interface ApiRoute<Query extends z.ZodObject> {
  method: "get" | "post" | "put";
  /** As in OpenAPI: `/api/models/{model}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** Open to everybody, without a token. */
  open?: boolean;
  query?: Query;
  /** Checked by control, which knows the order of refusals. */
  body?: { schema: z.ZodType; types?: string[]; description?: string };
  /** Takes an Idempotency-Key. */
  command?: boolean;
  answers: Record<number, { description: string; schema?: z.ZodType; type?: string }>;
  refusals?: ErrorCode[];
}

/** Every route that the API has, as it was declared: for 405, for the page and for the snapshot. */
export interface RouteTable {
  app: OpenAPIHono<ApiEnv>;
  routes: { method: string; path: string; summary: string; tag: string }[];
}

const keyHeader = z.object({
  "idempotency-key": z
    .string()
    .max(200)
    .optional()
    .describe("makes the command happen once: the same key and body gets the first answer again"),
});

/** Declares a route in the document and puts it to work, from the same schemas. */
export function addRoute<Query extends z.ZodObject>(
  table: RouteTable,
  route: ApiRoute<Query>,
  handle: (c: ApiContext, query: z.output<Query>) => Promise<Response> | Response,
): void {
  const { method, path, summary, tag } = route;
  table.routes.push({ method: method.toUpperCase(), path, summary, tag });
  table.app.openAPIRegistry.registerPath(documentOf(route));
  table.app.on([method.toUpperCase()], [path.replaceAll(/\{(.+?)\}/g, ":$1")], (c) => {
    refuseUnstorable(c);
    return handle(c, checkQuery(route.query, c));
  });
}

/** No id, name or filter holds a NUL, and PostgreSQL could not even be asked about one. */
function refuseUnstorable(c: ApiContext): void {
  const named = Object.entries(c.req.param()).find(([, value]) => unstorable(value).length > 0);
  if (named) throw new CountersignError("not-found", `There is nothing whose ${named[0]} holds a NUL character.`);
  const faults = Object.entries(c.req.queries()).flatMap(([name, values]) =>
    [name, ...values].some((text) => unstorable(text).length > 0)
      ? [{ path: name.replaceAll("\0", ""), message: "holds a NUL character" }]
      : [],
  );
  if (faults.length > 0)
    throw new CountersignError(
      "invalid",
      `The query is not valid: ${faults.map(({ path, message }) => `${path}: ${message}`).join("; ")}.`,
      {
        faults,
      },
    );
}

/** A parameter of the path; routes name only those that they have. */
export function param(c: ApiContext, name: string): string {
  return c.req.param(name) ?? "";
}

function checkQuery<Query extends z.ZodObject>(schema: Query | undefined, c: ApiContext): z.output<Query> {
  const parsed = (schema ?? z.object({})).safeParse(c.req.query());
  if (!parsed.success) {
    const faults = faultsOf(parsed.error);
    throw new CountersignError(
      "invalid",
      `The query is not valid: ${faults.map((fault) => `${fault.path}: ${fault.message}`).join("; ")}.`,
      { faults },
    );
  }
  // Where the route has no schema, Query is its default and has no members.
  return parsed.data as z.output<Query>;
}

function documentOf<Query extends z.ZodObject>(route: ApiRoute<Query>): RouteConfig {
  const names = [...route.path.matchAll(/\{(.+?)\}/g)].map((match) => match[1] ?? "");
  const params = names.length > 0 ? z.object(Object.fromEntries(names.map((name) => [name, z.string()]))) : null;
  const { body } = route;
  return {
    method: route.method,
    path: route.path,
    operationId: operationIdOf(route),
    tags: [route.tag],
    summary: route.summary,
    ...(route.description && { description: route.description }),
    ...(route.open ? { security: [] } : {}),
    request: {
      ...(params && { params }),
      ...(route.query && { query: route.query }),
      ...(route.command && { headers: keyHeader }),
      ...(body && {
        body: {
          required: true,
          ...(body.description && { description: body.description }),
          content: Object.fromEntries((body.types ?? ["application/json"]).map((type) => [type, { schema: body.schema }])),
        },
      }),
    },
    responses: { ...answersOf(route), ...refusalsOf(route) },
  };
}

function operationIdOf(route: { method: string; path: string }): string {
  const words = route.path
    .replace(/^\/api\//, "")
    .split(/[/{}._-]+/)
    .filter(Boolean);
  return [route.method, ...words]
    .map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join("");
}

function answersOf<Query extends z.ZodObject>(route: ApiRoute<Query>): RouteConfig["responses"] {
  return Object.fromEntries(
    Object.entries(route.answers).map(([status, { description, schema, type }]) => [
      status,
      { description, ...((schema ?? type) && { content: { [type ?? "application/json"]: { schema: schema ?? z.string() } } }) },
    ]),
  );
}

/** One response a status, which may stand for several codes. */
function refusalsOf<Query extends z.ZodObject>(route: ApiRoute<Query>): RouteConfig["responses"] {
  const common: ErrorCode[] = route.open ? [] : ["unauthenticated", "too-many-requests", "unavailable"];
  const ofBody: ErrorCode[] = route.body ? ["malformed-body", "too-large", "unsupported-type", "invalid"] : [];
  const ofCommand: ErrorCode[] = route.command ? ["key-reused", "key-in-use", "forbidden"] : [];
  const ofQuery: ErrorCode[] = route.query ? ["invalid"] : [];
  const codes = new Set([...common, ...ofBody, ...ofCommand, ...ofQuery, ...(route.refusals ?? [])]);
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) byStatus.set(errorCodes[code].status, [...(byStatus.get(errorCodes[code].status) ?? []), code]);
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([left], [right]) => left - right)
      .map(([status, ofStatus]) => [
        String(status),
        {
          description: ofStatus.map((code) => `\`${code}\``).join(", "),
          content: { "application/problem+json": { schema: problemSchema } },
        },
      ]),
  );
}
