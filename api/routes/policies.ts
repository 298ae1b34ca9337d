import { policyItemSchema, policySchema, policyTestRequestSchema, policyTestSchema } from "../../domain/http/policy-views.ts";
import { pageOf } from "../../domain/http/record-views.ts";
import { pageQuerySchema } from "../../domain/http/requests.ts";
import { readCommand } from "../bodies.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "policies";

export function policyRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/policies",
      tag,
      summary: "Published policies, and how many may decide by them now",
      query: pageQuerySchema,
      answers: { 200: { description: "By id, the newest version first.", schema: pageOf(policyItemSchema) } },
    },
    async (c, query) => c.json(await control.policies(c.get("caller"), query)),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/policies/{policy}",
      tag,
      summary: "A policy: its newest version, all before it, and the one that waits at its gate",
      answers: { 200: { description: "`ETag` is the digest of the newest version, for If-Match.", schema: policySchema } },
      refusals: ["not-found"],
    },
    async (c) => {
      const policy = await control.policy(c.get("caller"), param(c, "policy"));
      c.header("etag", `"${policy.digest}"`);
      return c.json(policy);
    },
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/policies/{policy}/test",
      tag,
      summary: "What a policy would ask of a release or of sample evidence, and of whom",
      description: "Asks nobody and records nothing.",
      body: { schema: policyTestRequestSchema },
      answers: { 200: { description: "Gate by gate, each with why it is needed or not.", schema: policyTestSchema } },
      refusals: ["not-found"],
    },
    async (c) =>
      c.json(await control.testPolicy(c.get("caller"), { policy: param(c, "policy"), body: (await readCommand(c)).body })),
  );
}
