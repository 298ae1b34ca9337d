import { z } from "zod";
import { pendingSchema } from "../../domain/http/gate-views.ts";
import {
  policyItemSchema,
  policyProposedSchema,
  policySchema,
  policyTestRequestSchema,
  policyTestSchema,
} from "../../domain/http/policy-views.ts";
import { pageOf } from "../../domain/http/record-views.ts";
import { pageQuerySchema } from "../../domain/http/requests.ts";
import { sendAnswer } from "../answers.ts";
import { idempotencyKey, ifMatchOf, readCommand, readDefinitionText } from "../bodies.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "policies";
const documentBody = z
  .looseObject({ policy: z.string() })
  .meta({ id: "PolicyText", description: "See docs/policy.md; `countersign policy check` tells every fault." });

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
    async (c) => c.json(await control.testPolicy(c.get("caller"), param(c, "policy"), (await readCommand(c)).body)),
  );
}

export function policyProposalRoute(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "put",
      path: "/api/policies/{policy}",
      tag,
      summary: "Propose the next version of a policy",
      description:
        "It passes the change gate of the policies in whose place it steps, and is published where none of them has one. `If-Match` names the newest version.",
      body: { schema: documentBody, types: ["application/json", "application/yaml"] },
      command: true,
      answers: {
        200: { description: "The newest version says the same.", schema: policyProposedSchema },
        201: { description: "Published.", schema: policyProposedSchema },
        202: {
          description: "`gate` is to be passed first; or it is not known in time.",
          schema: z.union([policyProposedSchema, pendingSchema]),
        },
      },
      refusals: ["not-found", "precondition-failed"],
    },
    async (c) => {
      const policy = param(c, "policy");
      const document = await readDefinitionText(c);
      const answer = await control.proposePolicy(c.get("caller"), policy, {
        ...document,
        key: idempotencyKey(c),
        ifMatch: ifMatchOf(c),
      });
      const gate = answer.kind === "done" ? answer.value.gate : null;
      return sendAnswer(answer, { location: gate === null ? `/api/policies/${policy}` : `/api/gates/${gate}` });
    },
  );
}
