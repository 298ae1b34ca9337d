import { reconciliationSchema } from "../../domain/http/reconciliation-views.ts";
import {
  auditQuerySchema,
  auditRecordSchema,
  auditVerificationSchema,
  commandSchema,
  groupSchema,
  meSchema,
  pageOf,
} from "../../domain/http/record-views.ts";
import { pageQuerySchema } from "../../domain/http/requests.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

export function peopleRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/me",
      tag: "people",
      summary: "Who you are",
      answers: { 200: { description: "With the groups as they are now.", schema: meSchema } },
    },
    (c) => c.json(control.me(c.get("caller"))),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/groups",
      tag: "people",
      summary: "Groups and their members",
      query: pageQuerySchema,
      answers: { 200: { description: "By name.", schema: pageOf(groupSchema) } },
    },
    async (c, query) => c.json(await control.groups(c.get("caller"), query)),
  );
}

export function auditRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/audit",
      tag: "audit",
      summary: "The audit records that you may see",
      query: pageQuerySchema.extend(auditQuerySchema.shape),
      answers: { 200: { description: "In the order of the chain.", schema: pageOf(auditRecordSchema) } },
    },
    async (c, query) => c.json(await control.audit(c.get("caller"), query)),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/audit/verification",
      tag: "audit",
      summary: "Whether the chain is whole",
      answers: { 200: { description: "Every record was followed from the first.", schema: auditVerificationSchema } },
    },
    async (c) => c.json(await control.verifyAudit(c.get("caller"))),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/reconciliation",
      tag: "audit",
      summary: "What one of PostgreSQL and Temporal knows and the other does not",
      answers: { 200: { description: "With what to do about each; nothing is changed.", schema: reconciliationSchema } },
      refusals: ["forbidden"],
    },
    async (c) => c.json(await control.reconcile(c.get("caller"))),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/commands/{id}",
      tag: "commands",
      summary: "What became of a command",
      answers: { 200: { description: "`answer` is what was answered, once it is known.", schema: commandSchema } },
      refusals: ["not-found"],
    },
    async (c) => c.json(await control.command(c.get("caller"), param(c, "id"))),
  );
}
