import { z } from "zod";
import { docsPage, docsPolicy } from "../docs-page.ts";
import type { ApiDeps } from "../environment.ts";
import { openApiDocument } from "../openapi.ts";
import { addRoute, type RouteTable } from "../routing.ts";

export function documentRoutes(table: RouteTable, { version }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/openapi.json",
      tag: "contract",
      summary: "This contract (OpenAPI 3.1)",
      open: true,
      answers: { 200: { description: "From the schemas that check the requests.", schema: z.looseObject({}) } },
    },
    (c) => c.json(openApiDocument(table, version)),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/docs",
      tag: "contract",
      summary: "A page to try it on",
      open: true,
      answers: { 200: { description: "A page.", schema: z.string(), type: "text/html" } },
    },
    (c) => {
      c.header("content-security-policy", docsPolicy);
      return c.html(docsPage);
    },
  );
}
