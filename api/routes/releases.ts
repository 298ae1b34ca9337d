import { z } from "zod";
import { pageOf } from "../../domain/http/record-views.ts";
import { logQuerySchema, releaseItemSchema, releaseQuerySchema, releaseSchema } from "../../domain/http/release-views.ts";
import { pageQuerySchema } from "../../domain/http/requests.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "releases";

export function releaseRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/releases",
      tag,
      summary: "Releases",
      query: pageQuerySchema.extend(releaseQuerySchema.shape),
      answers: { 200: { description: "Newest first.", schema: pageOf(releaseItemSchema) } },
    },
    async (c, query) => c.json(await control.releases(c.get("caller"), query)),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/releases/{id}",
      tag,
      summary: "A release with its stages and gates",
      answers: { 200: { description: "As it stands.", schema: releaseSchema } },
      refusals: ["not-found"],
    },
    async (c) => c.json(await control.release(c.get("caller"), param(c, "id"))),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/releases/{id}/logs",
      tag,
      summary: "The log of a stage",
      query: logQuerySchema,
      answers: { 200: { description: "Text.", schema: z.string(), type: "text/plain" } },
      refusals: ["not-found"],
    },
    async (c, query) => c.text(await control.releaseLog(c.get("caller"), { release: param(c, "id"), ...query })),
  );
}
