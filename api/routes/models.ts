import { pendingSchema } from "../../domain/http/gate-views.ts";
import {
  definitionAppliedSchema,
  modelItemSchema,
  modelSchema,
  modelStateSchema,
  monitoringSchema,
  rolledBackSchema,
} from "../../domain/http/model-views.ts";
import { pageOf } from "../../domain/http/record-views.ts";
import { releaseRequestedSchema } from "../../domain/http/release-views.ts";
import { pageQuerySchema, reasonRequestSchema, releaseRequestSchema, rollbackRequestSchema } from "../../domain/http/requests.ts";
import { z } from "zod";
import { sendAnswer } from "../answers.ts";
import { idempotencyKey, readDefinitionText, readJson } from "../bodies.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "models";
export const pendingAnswer = { description: "Not known in time; `Location` says where to ask.", schema: pendingSchema };
const definitionBody = z
  .looseObject({ model: z.string() })
  .meta({ id: "Definition", description: "See docs/definition.md; `countersign check` tells every fault." });

export function modelRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/models",
      tag,
      summary: "The models that you may see",
      query: pageQuerySchema,
      answers: { 200: { description: "Newest first.", schema: pageOf(modelItemSchema) } },
    },
    async (c, query) => c.json(await control.models(c.get("caller"), query)),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/models/{model}",
      tag,
      summary: "A model, its slots and its definition",
      answers: { 200: { description: "`ETag` is the definition's digest, for If-Match.", schema: modelSchema } },
      refusals: ["not-found"],
    },
    async (c) => {
      const model = await control.model(c.get("caller"), param(c, "model"));
      c.header("etag", `"${model.definitionDigest}"`);
      return c.json(model);
    },
  );
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
        202: pendingAnswer,
      },
      refusals: ["not-found", "precondition-failed", "model-retired"],
    },
    async (c) => {
      const model = param(c, "model");
      const definition = await readDefinitionText(c);
      const answer = await control.applyDefinition(c.get("caller"), model, {
        ...definition,
        key: idempotencyKey(c),
        ifMatch: ifMatchOf(c.req.header("if-match")),
      });
      return sendAnswer(answer, { location: `/api/models/${model}` });
    },
  );
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
      const answer = await control.requestRelease(c.get("caller"), param(c, "model"), {
        body: await readJson(c),
        key: idempotencyKey(c),
      });
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
    async (c) =>
      sendAnswer(await control.rollback(c.get("caller"), param(c, "model"), { body: await readJson(c), key: idempotencyKey(c) })),
  );
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
        answers: { 200: { description: "Done.", schema: modelStateSchema }, 202: pendingAnswer },
        refusals: ["not-found", "model-retired"],
      },
      async (c) =>
        sendAnswer(
          await control.changeState(c.get("caller"), param(c, "model"), kind, {
            body: await readJson(c),
            key: idempotencyKey(c),
          }),
        ),
    );
  }
  addRoute(
    table,
    {
      method: "get",
      path: "/api/models/{model}/monitoring",
      tag,
      summary: "What monitoring sees: volume, drift by column, thresholds, findings",
      answers: { 200: { description: "Windows, newest first.", schema: monitoringSchema } },
      refusals: ["not-found"],
    },
    async (c) => c.json(await control.monitoring(c.get("caller"), param(c, "model"))),
  );
}

const stateSummaries = {
  pause: "Take no more releases for a while",
  resume: "Take releases again",
  retire: "End the model's life; for ever",
};

/** `"sha256:…"`, the same without quotes, or `*`. */
function ifMatchOf(header: string | undefined): string | null {
  if (header === undefined) return null;
  return header.trim().replace(/^W\//, "").replaceAll('"', "");
}
