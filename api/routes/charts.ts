import { z } from "zod";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

const tag = "gates";

export function chartRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/gates/{id}/charts/{chart}",
      tag,
      summary: "A chart of the evidence, such as `calibration.svg`; `evidence.evaluationBody.charts` names them",
      answers: { 200: { description: "SVG, or PNG of the main ones.", schema: z.string(), type: "image/svg+xml" } },
      refusals: ["not-found"],
    },
    async (c) => {
      const wanted = { gate: param(c, "id"), chart: param(c, "chart") };
      const { bytes, type, digest } = await control.gateChart(c.get("caller"), wanted);
      // Drawn by us from numbers and names; nothing in it may run all the same.
      return c.body(Uint8Array.from(bytes), 200, {
        "content-type": type,
        etag: `"${digest}"`,
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
      });
    },
  );
}
