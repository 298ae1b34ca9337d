import { suggestionRequestSchema, suggestionSchema } from "../../domain/http/contract-suggestion.ts";
import type { ApiDeps } from "../environment.ts";
import { readCommand } from "../bodies.ts";
import { addRoute, type RouteTable } from "../routing.ts";

export function contractRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "post",
      path: "/api/contracts/suggest",
      tag: "models",
      summary: "Propose a data contract from data",
      description: "Reads the sources where a release would read them; nothing is recorded.",
      body: { schema: suggestionRequestSchema },
      answers: { 200: { description: "A contract in ODCS 3.1, to be read by a person.", schema: suggestionSchema } },
      refusals: ["invalid", "forbidden", "source-missing", "source-unreadable", "unavailable"],
    },
    async (c) => c.json(await control.suggestContract(c.get("caller"), (await readCommand(c)).body)),
  );
}
