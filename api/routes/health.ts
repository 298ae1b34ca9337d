import { liveSchema, readySchema } from "../../domain/http/record-views.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, type RouteTable } from "../routing.ts";

export function healthRoutes(table: RouteTable, { control, version }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "get",
      path: "/api/health/live",
      tag: "health",
      summary: "Whether this process answers",
      open: true,
      answers: { 200: { description: "It answers.", schema: liveSchema } },
    },
    (c) => c.json({ status: "live", version }),
  );
  addRoute(
    table,
    {
      method: "get",
      path: "/api/health/ready",
      tag: "health",
      summary: "For Temporal, Postgres, the artifact store and the workers: up, or what is wrong",
      open: true,
      answers: {
        200: { description: "All are up; or `degraded`: a way to people is not.", schema: readySchema },
        503: { description: "Something is not up.", schema: readySchema },
      },
    },
    async (c) => {
      const ready = await control.ready();
      return c.json(ready, ready.status === "unready" ? 503 : 200);
    },
  );
}
