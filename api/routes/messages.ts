import {
  emailRequestSchema,
  messagesSchema,
  ownMessagesRequestSchema,
  ownMessagesSchema,
  teamMessagesRequestSchema,
  teamMessagesSchema,
} from "../../domain/http/message-views.ts";
import { sendAnswer } from "../answers.ts";
import { readCommand } from "../bodies.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "messages";

export function messageRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/messages",
      tag,
      summary: "Where messages go, how each way stands, and what could not be delivered",
      answers: { 200: { description: "Troubles are shown to operators and admins.", schema: messagesSchema } },
    },
    async (c) => c.json(await control.messages.messages(c.get("caller"))),
  );
  addRoute(
    table,
    {
      method: "put",
      path: "/api/messages/teams/{team}",
      tag,
      summary: "Where an owner team is told: Slack's channel, addresses, a signed webhook",
      body: { schema: teamMessagesRequestSchema },
      command: true,
      answers: { 200: { description: "It is so.", schema: teamMessagesSchema } },
      refusals: ["not-found"],
    },
    async (c) => sendAnswer(await control.messages.setTeam(c.get("caller"), param(c, "team"), await readCommand(c))),
  );
}

export function ownMessageRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/messages/me",
      tag,
      summary: "How you are told yourself, and who you are in Slack",
      answers: { 200: { description: "As it stands.", schema: ownMessagesSchema } },
    },
    async (c) => c.json(await control.messages.own(c.get("caller"))),
  );
  addRoute(
    table,
    {
      method: "put",
      path: "/api/messages/me",
      tag,
      summary: "Be told yourself of what you may decide, or not",
      body: { schema: ownMessagesRequestSchema },
      command: true,
      answers: { 200: { description: "It is so.", schema: ownMessagesSchema } },
    },
    async (c) => sendAnswer(await control.messages.setOwn(c.get("caller"), await readCommand(c))),
  );
  addRoute(
    table,
    {
      method: "put",
      path: "/api/messages/people/{principal}",
      tag,
      summary: "The address of a person, which an admin vouches for",
      body: { schema: emailRequestSchema },
      command: true,
      answers: { 200: { description: "It is so.", schema: ownMessagesSchema } },
      refusals: ["not-found"],
    },
    async (c) => sendAnswer(await control.messages.setEmail(c.get("caller"), param(c, "principal"), await readCommand(c))),
  );
}
