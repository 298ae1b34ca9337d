import { z } from "zod";
import {
  decisionAnswersSchema,
  findingSchema,
  gateItemSchema,
  gateQuerySchema,
  gateSchema,
} from "../../domain/http/gate-views.ts";
import { pageOf } from "../../domain/http/record-views.ts";
import { decisionsRequestSchema, digestSchema, pageQuerySchema, renderingRequestSchema } from "../../domain/http/requests.ts";
import type { Control } from "../../control/control.ts";
import { checkBody } from "../../control/request-body.ts";
import { sendAnswer } from "../answers.ts";
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
  moreDecisionRoutes(table, control);
  findingRoutes(table, control);
}

/** Several at once, taking back, and what was shown. */
function moreDecisionRoutes(table: RouteTable, control: Control): void {
  addRoute(
    table,
    {
      method: "post",
      path: "/api/decisions",
      tag,
      summary: "Decide on several gates",
      description: "Each decision is answered as if it had been sent alone: what one is refused changes nothing for the others.",
      body: { schema: decisionsRequestSchema },
      command: true,
      answers: { 200: { description: "One answer a decision, in their order.", schema: decisionAnswersSchema } },
    },
    async (c) => sendAnswer(await control.decideMany(c.get("caller"), await readCommand(c))),
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/gates/{id}/renderings",
      tag,
      summary: "Keep what is about to be shown of a gate",
      description:
        "A decision that names the digest as `seen` is provably about this very text. The same text gives the same digest.",
      body: { schema: renderingRequestSchema },
      answers: { 200: { description: "Kept.", schema: z.object({ digest: digestSchema }) } },
      refusals: ["not-found"],
    },
    async (c) => {
      const { mediaType, text } = checkBody(renderingRequestSchema, (await readCommand(c)).body);
      return c.json({ digest: await control.keepRendered(c.get("caller"), { gate: param(c, "id"), mediaType, text }) });
    },
  );
}

function findingRoutes(table: RouteTable, control: Control): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/models/{model}/findings",
      tag,
      summary: "What somebody must answer about a model, open ones first",
      answers: { 200: { description: "The newest 200.", schema: pageOf(findingSchema) } },
      refusals: ["not-found"],
    },
    async (c) => c.json(await control.findings(c.get("caller"), param(c, "model"))),
  );
}
