import { z } from "zod";
import {
  groupChangedSchema,
  groupRequestSchema,
  peopleAppliedSchema,
  peoplePlanSchema,
  peopleSchema,
  principalChangedSchema,
  principalRequestSchema,
  principalSchema,
} from "../../domain/http/people-views.ts";
import { pageOf } from "../../domain/http/record-views.ts";
import { pageQuerySchema, reasonRequestSchema } from "../../domain/http/requests.ts";
import { peopleFileSchema } from "../../domain/people-file.ts";
import { sendAnswer } from "../answers.ts";
import { ifMatchOf, readCommand } from "../bodies.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "people";
const benefit = ["own-benefit", "last-admin", "precondition-failed"] as const;

const plainGroup = z
  .object({
    group: z.string(),
    members: z.array(z.object({ principal: z.string(), kind: z.enum(["person", "machine"]), displayName: z.string() })),
  })
  .meta({ id: "PlainGroup" });

export function groupRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/groups/{group}",
      tag,
      summary: "A group and its members",
      answers: { 200: { description: "`ETag` is for If-Match.", schema: plainGroup } },
      refusals: ["not-found"],
    },
    async (c) => {
      const { view, tag: etag } = await control.people.group(c.get("caller"), param(c, "group"));
      c.header("etag", `"${etag}"`);
      return c.json(view);
    },
  );
  addRoute(
    table,
    {
      method: "put",
      path: "/api/groups/{group}",
      tag,
      summary: "Give a group exactly these members; make it, when there is none",
      description: "By admins, never for their own benefit. `If-Match` changes only what was read.",
      body: { schema: groupRequestSchema },
      command: true,
      answers: {
        200: { description: "It is so.", schema: groupChangedSchema },
        201: { description: "The group is new.", schema: groupChangedSchema },
      },
      refusals: [...benefit],
    },
    async (c) => {
      const [caller, about, sent] = [c.get("caller"), param(c, "group"), await readCommand(c)];
      return sendAnswer(await control.people.changeGroup({ caller, about, sent, ifMatch: ifMatchOf(c) }));
    },
  );
}

export function principalRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/principals",
      tag,
      summary: "People and machines",
      query: pageQuerySchema,
      answers: { 200: { description: "By id; those who left stay in the list.", schema: pageOf(principalSchema) } },
    },
    async (c, query) => c.json(await control.people.principals(c.get("caller"), query)),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/principals/{id}",
      tag,
      summary: "One of them",
      answers: { 200: { description: "`ETag` is for If-Match.", schema: principalSchema } },
      refusals: ["not-found"],
    },
    async (c) => {
      const { view, tag: etag } = await control.people.principal(c.get("caller"), param(c, "id"));
      c.header("etag", `"${etag}"`);
      return c.json(view);
    },
  );
  addRoute(
    table,
    {
      method: "put",
      path: "/api/principals/{id}",
      tag,
      summary: "Create somebody, or change name, roles, or whether she is here",
      body: { schema: principalRequestSchema },
      command: true,
      answers: {
        200: { description: "It is so.", schema: principalChangedSchema },
        201: { description: "Created, without groups or tokens.", schema: principalChangedSchema },
      },
      refusals: [...benefit],
    },
    async (c) => {
      const [caller, about, sent] = [c.get("caller"), param(c, "id"), await readCommand(c)];
      return sendAnswer(await control.people.changePrincipal({ caller, about, sent, ifMatch: ifMatchOf(c) }));
    },
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/principals/{id}/deactivate",
      tag,
      summary: "Somebody leaves: groups, tokens, sessions and delegations end at once",
      body: { schema: reasonRequestSchema },
      command: true,
      answers: { 200: { description: "Gone.", schema: principalChangedSchema } },
      refusals: ["not-found", "last-admin"],
    },
    async (c) => {
      const [caller, about, sent] = [c.get("caller"), param(c, "id"), await readCommand(c)];
      return sendAnswer(await control.people.deactivate({ caller, about, sent }));
    },
  );
}

export function peopleFileRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/people",
      tag,
      summary: "Everybody and every group as a file, for admins",
      answers: { 200: { description: "`ETag` is for If-Match.", schema: peopleSchema } },
      refusals: ["forbidden"],
    },
    async (c) => {
      const people = await control.people.file(c.get("caller"));
      c.header("etag", `"${people.state}"`);
      return c.json(people);
    },
  );
  addRoute(
    table,
    {
      method: "put",
      path: "/api/people",
      tag,
      summary: "Make what a file says so: all of it or nothing",
      body: { schema: peopleFileSchema },
      command: true,
      answers: { 200: { description: "It is so.", schema: peopleAppliedSchema } },
      refusals: [...benefit],
    },
    async (c) => {
      const [caller, sent] = [c.get("caller"), await readCommand(c)];
      return sendAnswer(await control.people.apply({ caller, sent, ifMatch: ifMatchOf(c) }));
    },
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/people/plan",
      tag,
      summary: "What a file would change; changes nothing",
      body: { schema: peopleFileSchema },
      command: true,
      answers: { 200: { description: "In the order in which it would be done.", schema: peoplePlanSchema } },
      refusals: ["forbidden"],
    },
    async (c) => c.json(await control.people.plan(c.get("caller"), (await readCommand(c)).body)),
  );
}
