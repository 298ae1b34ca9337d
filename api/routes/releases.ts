import { z } from "zod";
import { pageOf } from "../../domain/http/record-views.ts";
import {
  logQuerySchema,
  releaseItemSchema,
  releaseQuerySchema,
  releaseSchema,
  unblockedSchema,
  withdrawnSchema,
} from "../../domain/http/release-views.ts";
import { pageQuerySchema, reasonRequestSchema, unblockRequestSchema } from "../../domain/http/requests.ts";
import { pendingAnswer, sendAnswer } from "../answers.ts";
import { readCommand } from "../bodies.ts";
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
    async (c, query) => c.text(await control.releaseLog(c.get("caller"), param(c, "id"), query)),
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/releases/{id}/unblock",
      tag,
      summary: "Say how a blocked release goes on",
      body: { schema: unblockRequestSchema },
      command: true,
      answers: { 200: { description: "It goes on, or ends.", schema: unblockedSchema }, 202: pendingAnswer },
      refusals: ["not-found", "not-blocked", "not-active", "skip-not-allowed"],
    },
    async (c) => sendAnswer(await control.unblock(c.get("caller"), param(c, "id"), await readCommand(c))),
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/releases/{id}/withdraw",
      tag,
      summary: "Take a release back",
      body: { schema: reasonRequestSchema },
      command: true,
      answers: { 200: { description: "It ends; its open gate is closed.", schema: withdrawnSchema }, 202: pendingAnswer },
      refusals: ["not-found", "not-active"],
    },
    async (c) => sendAnswer(await control.withdraw(c.get("caller"), param(c, "id"), await readCommand(c))),
  );
}
