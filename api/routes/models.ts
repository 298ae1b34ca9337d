import { modelItemSchema, modelSchema, monitoringSchema } from "../../domain/http/model-views.ts";
import { pageOf } from "../../domain/http/record-views.ts";
import { pageQuerySchema } from "../../domain/http/requests.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "models";

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
