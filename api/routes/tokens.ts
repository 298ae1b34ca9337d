import {
  delegationQuerySchema,
  delegationRequestSchema,
  delegationSchema,
  tokenMadeSchema,
  tokenQuerySchema,
  tokenRequestSchema,
  tokenSchema,
} from "../../domain/http/people-views.ts";
import { pageOf } from "../../domain/http/record-views.ts";
import { pageQuerySchema, reasonRequestSchema } from "../../domain/http/requests.ts";
import { sendAnswer } from "../answers.ts";
import { idempotencyKey, readCommand } from "../bodies.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "people";

export function tokenRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/tokens",
      tag,
      summary: "Your tokens and sessions; for admins those of others too",
      query: pageQuerySchema.extend(tokenQuerySchema.shape),
      answers: { 200: { description: "Newest first, never the token itself.", schema: pageOf(tokenSchema) } },
      refusals: ["not-found"],
    },
    async (c, query) => c.json(await control.people.tokens(c.get("caller"), query)),
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/tokens",
      tag,
      summary: "Make a token for yourself, or as an admin for a machine",
      body: { schema: tokenRequestSchema },
      command: true,
      answers: { 201: { description: "`token` is shown this once.", schema: tokenMadeSchema } },
      refusals: ["not-found"],
    },
    async (c) => sendAnswer(await control.people.makeToken({ caller: c.get("caller"), sent: await readCommand(c) })),
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/tokens/{id}/revoke",
      tag,
      summary: "End a token at once",
      command: true,
      answers: { 200: { description: "It opens nothing any more.", schema: tokenSchema } },
      refusals: ["not-found"],
    },
    async (c) => {
      const asked = { caller: c.get("caller"), about: param(c, "id"), sent: { key: idempotencyKey(c) } };
      return sendAnswer(await control.people.endToken(asked));
    },
  );
}

export function delegationRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/delegations",
      tag,
      summary: "Who decides for whom: given by you or to you",
      query: pageQuerySchema.extend(delegationQuerySchema.shape),
      answers: { 200: { description: "Newest first; ended ones stay in the list.", schema: pageOf(delegationSchema) } },
    },
    async (c, { all, ...page }) => c.json(await control.people.delegations(c.get("caller"), { ...page, all: all === "true" })),
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/delegations",
      tag,
      summary: "Let another person decide in your name for a while",
      description: "It conveys your own membership only, is never passed on, and gives no right where you or she contributed.",
      body: { schema: delegationRequestSchema },
      command: true,
      answers: { 201: { description: "It stands.", schema: delegationSchema } },
    },
    async (c) => sendAnswer(await control.people.delegate({ caller: c.get("caller"), sent: await readCommand(c) })),
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/delegations/{id}/revoke",
      tag,
      summary: "Take it back, or decline it",
      body: { schema: reasonRequestSchema },
      command: true,
      answers: { 200: { description: "It ended.", schema: delegationSchema } },
      refusals: ["not-found"],
    },
    async (c) => {
      const [caller, about, sent] = [c.get("caller"), param(c, "id"), await readCommand(c)];
      return sendAnswer(await control.people.revokeDelegation({ caller, about, sent }));
    },
  );
}
