import { z } from "zod";
import { predictionSchema, versionItemSchema, versionSchema } from "../../domain/http/model-views.ts";
import { predictedSchema } from "../../domain/http/predicted-view.ts";
import { pageOf } from "../../domain/http/record-views.ts";
import { pageQuerySchema, predictionRequestSchema } from "../../domain/http/requests.ts";
import type { ApiDeps } from "../environment.ts";
import { passOn } from "../prediction-proxy.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

export function versionRoutes(table: RouteTable, deps: ApiDeps): void {
  const { control } = deps;
  addRoute(
    table,
    {
      method: "get",
      path: "/api/versions",
      tag: "versions",
      summary: "Versions",
      query: pageQuerySchema.extend({ model: z.string().optional() }),
      answers: { 200: { description: "Newest first.", schema: pageOf(versionItemSchema) } },
    },
    async (c, query) => c.json(await control.versions(c.get("caller"), query)),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/versions/{id}",
      tag: "versions",
      summary: "A version: digests, metrics, approvals, where and when it served",
      answers: { 200: { description: "As it stands.", schema: versionSchema } },
      refusals: ["not-found"],
    },
    async (c) => c.json(await control.version(c.get("caller"), param(c, "id"))),
  );
  addRoute(
    table,
    {
      method: "post",
      path: "/api/models/{model}/predictions",
      tag: "predictions",
      summary: "Predict with the champion",
      query: z.object({ environment: z.string().default("production") }),
      body: { schema: predictionRequestSchema },
      answers: { 200: { description: "One prediction an instance, in their order.", schema: predictedSchema } },
      refusals: ["not-found", "no-champion", "forbidden"],
    },
    (c, query) => passOn(c, deps, { model: param(c, "model"), environment: query.environment }),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/predictions/{id}",
      tag: "predictions",
      summary: "From a prediction to its version, its release, and who approved it on which evidence",
      answers: { 200: { description: "Its lineage.", schema: predictionSchema } },
      refusals: ["not-found"],
    },
    async (c) => c.json(await control.prediction(c.get("caller"), param(c, "id"))),
  );
}
