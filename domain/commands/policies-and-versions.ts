import { z } from "zod";
import { reproductionAskedSchema } from "../http/model-views.ts";
import { policyProposedSchema } from "../http/policy-views.ts";
import { reproductionRequestSchema } from "../http/requests.ts";
import { defineEntry } from "./entry.ts";

export const reproduceEntry = defineEntry({
  method: "post",
  path: "/api/versions/{id}/reproductions",
  tag: "versions",
  summary: "Train it a second time, and compare the bytes",
  description:
    "From the same data, code, parameters and seed, in the environment that there is now. It serves nothing and changes nothing; what came of it stands with the version. Ask again while one runs, and that one answers.",
  scope: "release",
  role: "release",
  request: reproductionRequestSchema,
  value: reproductionAskedSchema,
  answers: { 202: "It runs; or it is not known in time." },
  refusals: ["not-found", "not-reproducible"],
  location: ({ id }) => `/api/versions/${id}`,
});

export const proposePolicyEntry = defineEntry({
  method: "put",
  path: "/api/policies/{policy}",
  tag: "policies",
  summary: "Propose the next version of a policy",
  description:
    "It passes the change gate of the policies in whose place it steps, and is published where none of them has one. `If-Match` names the newest version.",
  scope: "define",
  role: "propose",
  request: z
    .looseObject({ policy: z.string() })
    .meta({ id: "PolicyText", description: "See docs/policy.md; `countersign policy check` tells every fault." }),
  isDocument: true,
  value: policyProposedSchema,
  answers: {
    200: "The newest version says the same.",
    201: "Published.",
    202: "`gate` is to be passed first; or it is not known in time.",
  },
  refusals: ["not-found", "precondition-failed"],
  location: ({ policy }, { gate }) => (gate === null ? `/api/policies/${policy}` : `/api/gates/${gate}`),
});
