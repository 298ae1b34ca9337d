import { gateItemSchema, gateQuerySchema, gateSchema, receiptSchema } from "../../domain/http/gate-views.ts";
import { pageOf } from "../../domain/http/record-views.ts";
import { decisionRequestSchema, pageQuerySchema } from "../../domain/http/requests.ts";
import { pendingAnswer, sendAnswer } from "../answers.ts";
import { readCommand } from "../bodies.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "gates";

export function gateRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/gates",
      tag,
      summary: "The inbox: what waits, for whom, until when",
      query: pageQuerySchema.extend(gateQuerySchema.shape),
      answers: { 200: { description: "Newest first, without the evidence.", schema: pageOf(gateItemSchema) } },
    },
    async (c, query) => c.json(await control.gates(c.get("caller"), query)),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/gates/{id}",
      tag,
      summary: "A gate: its frozen request with the evidence, its decisions, what is missing",
      answers: { 200: { description: "As it stands.", schema: gateSchema } },
      refusals: ["not-found"],
    },
    async (c) => c.json(await control.gate(c.get("caller"), param(c, "id"))),
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/gates/{id}/decisions",
      tag,
      summary: "Decide",
      description: "Every attempt gets a receipt and is recorded. A refusal is a problem that holds the receipt's members.",
      body: { schema: decisionRequestSchema },
      command: true,
      answers: {
        200: { description: "`accepted`, or `duplicate`: it is on record already.", schema: receiptSchema },
        202: pendingAnswer,
      },
      refusals: ["not-found", "not-allowed", "self", "superseded", "already-decided", "expired", "stale", "already-voted"],
    },
    async (c) => sendAnswer(await control.decide(c.get("caller"), param(c, "id"), await readCommand(c))),
  );
}
