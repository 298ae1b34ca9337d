import { z } from "zod";
import { pendingSchema } from "../../domain/http/gate-views.ts";
import { reproductionAskedSchema } from "../../domain/http/model-views.ts";
import { reproductionRequestSchema } from "../../domain/http/requests.ts";
import { sendAnswer } from "../answers.ts";
import { readCommand } from "../bodies.ts";
import type { ApiDeps } from "../environment.ts";
import { addRoute, param, type RouteTable } from "../routing.ts";

export function reproductionRoutes(table: RouteTable, { control }: ApiDeps): void {
  addRoute(
    table,
    {
      method: "post",
      path: "/api/versions/{id}/reproductions",
      tag: "versions",
      summary: "Train it a second time, and compare the bytes",
      description:
        "From the same data, code, parameters and seed, in the environment that there is now. It serves nothing and changes nothing; what came of it stands with the version. Ask again while one runs, and that one answers.",
      body: { schema: reproductionRequestSchema },
      command: true,
      answers: {
        202: { description: "It runs; or it is not known in time.", schema: z.union([reproductionAskedSchema, pendingSchema]) },
      },
      refusals: ["not-found", "not-reproducible"],
    },
    async (c) => {
      const version = param(c, "id");
      const answer = await control.reproduce(c.get("caller"), version, await readCommand(c));
      return sendAnswer(answer, { location: `/api/versions/${version}` });
    },
  );
}
