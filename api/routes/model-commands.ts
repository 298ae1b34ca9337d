import { z } from "zod";
import { pendingSchema } from "../../domain/http/gate-views.ts";
import { brokeGlassSchema, definitionAppliedSchema, modelStateSchema, rolledBackSchema } from "../../domain/http/model-views.ts";
import { releaseRequestedSchema } from "../../domain/http/release-views.ts";
import {
  breakGlassRequestSchema,
  reasonRequestSchema,
  releaseRequestSchema,
  rollbackRequestSchema,
} from "../../domain/http/requests.ts";
import { pendingAnswer, sendAnswer } from "../answers.ts";
import { idempotencyKey, ifMatchOf, readCommand, readDefinitionText } from "../bodies.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "models";
const definitionBody = z
  .looseObject({ model: z.string() })
  .meta({ id: "Definition", description: "See docs/definition.md; `countersign check` tells every fault." });

export function definitionRoute(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "put",
      path: "/api/models/{model}",
      tag,
      summary: "Register a model, or change its definition",
      description: '`If-Match: "<definition digest>"` changes only what was read; `*` only what is there.',
      body: { schema: definitionBody, types: ["application/json", "application/yaml"] },
      command: true,
      answers: {
        200: { description: "Changed, or the same.", schema: definitionAppliedSchema },
        201: { description: "Registered.", schema: definitionAppliedSchema },
        202: {
          description: "`gate` is to be passed first: a governed field was loosened; or it is not known in time.",
          schema: z.union([definitionAppliedSchema, pendingSchema]),
        },
      },
      refusals: ["not-found", "precondition-failed", "model-retired"],
    },
    async (c) => {
      const model = param(c, "model");
      const definition = await readDefinitionText(c);
      const ifMatch = ifMatchOf(c);
      const answer = await control.applyDefinition(c.get("caller"), model, { ...definition, key: idempotencyKey(c), ifMatch });
      return sendAnswer(answer, { location: `/api/models/${model}` });
    },
  );
}

export function modelCommandRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "post",
      path: "/api/models/{model}/releases",
      tag,
      summary: "Request a release",
      body: { schema: releaseRequestSchema },
      command: true,
      answers: {
        202: {
          description: "`folded`: the request went into a release that was there.",
          schema: z.union([releaseRequestedSchema, pendingSchema]),
        },
      },
      refusals: ["not-found", "model-paused", "model-retired"],
    },
    async (c) => {
      const answer = await control.requestRelease(c.get("caller"), param(c, "model"), await readCommand(c));
      return sendAnswer(answer, answer.kind === "done" ? { location: `/api/releases/${answer.value.release}` } : {});
    },
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/models/{model}/rollback",
      tag,
      summary: "Go back to the previous champion, or to a version that was approved before",
      body: { schema: rollbackRequestSchema },
      command: true,
      answers: { 200: { description: "It serves.", schema: rolledBackSchema }, 202: pendingAnswer },
      refusals: [
        "not-found",
        "nothing-to-roll-back-to",
        "never-approved",
        "approval-revoked",
        "already-champion",
        "no-champion",
        "model-retired",
      ],
    },
    async (c) => sendAnswer(await control.rollback(c.get("caller"), param(c, "model"), await readCommand(c))),
  );
}

export function breakGlassRoute(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "post",
      path: "/api/models/{model}/break-glass",
      tag,
      summary: "Promote a version without its gates, or roll back, at once; others review it",
      description: "Needs the role `break-glass`. `review` is the gate at which others close it, within its own deadline.",
      body: { schema: breakGlassRequestSchema },
      command: true,
      answers: { 200: { description: "It serves.", schema: brokeGlassSchema }, 202: pendingAnswer },
      refusals: [
        "not-found",
        "nothing-to-roll-back-to",
        "never-approved",
        "approval-revoked",
        "already-champion",
        "no-champion",
        "digest-mismatch",
        "model-retired",
      ],
    },
    async (c) => sendAnswer(await control.breakGlass(c.get("caller"), param(c, "model"), await readCommand(c))),
  );
}

const stateSummaries = {
  pause: "Take no more releases for a while",
  resume: "Take releases again",
  retire: "End the model's life; for ever",
} as const;

export function modelStateRoutes(table: RouteTable, { control }: ApiDeps): void {
  for (const kind of ["pause", "resume", "retire"] as const) {
    addRoute(
      table,
      {
        method: "post",
        path: `/api/models/{model}/${kind}`,
        tag,
        summary: stateSummaries[kind],
        body: { schema: reasonRequestSchema },
        command: true,
        answers: {
          200: { description: "Done.", schema: modelStateSchema },
          202: {
            description: "`gate` is to be passed first; or it is not known in time.",
            schema: z.union([modelStateSchema, pendingSchema]),
          },
        },
        refusals: ["not-found", "model-retired"],
      },
      async (c) =>
        sendAnswer(await control.changeState(c.get("caller"), { model: param(c, "model"), kind }, await readCommand(c))),
    );
  }
}
