import type { RouteTable } from "./routing.ts";

/** The document of all declared routes. */
export function openApiDocument(table: RouteTable, version: string) {
  const document = table.app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Countersign",
      version,
      description:
        "The life of ML models with people in the loop. Faults are RFC 9457 problems; times are RFC 3339 in UTC; lists are pages, newest first.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ token: [] }],
    tags: [...new Set(table.routes.map((route) => route.tag))].map((name) => ({ name })),
  });
  const securitySchemes = { token: { type: "http" as const, scheme: "bearer", description: "An API token of a principal." } };
  return { ...document, components: { ...document.components, securitySchemes } };
}
