import { Hono } from "hono";
import { CountersignError } from "../../domain/errors.ts";
import type { PolicyTestView } from "../../domain/http/policy-views.ts";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";
import { filled } from "../forms.ts";
import { show } from "../frame.ts";
import { nothing, type Html } from "../markup.ts";
import { policiesPage, policyPage } from "../pages/policies.ts";
import { problemBox } from "../receipt.ts";
import { problemOf } from "../../domain/http/problem.ts";

const onOnePage = 200;

/** Policies: to read and to try; they are proposed through the API or the command line, where their files are. */
export function policyRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { control } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/policies", async (context) => {
    const { items } = await control.policies(context.get("caller"), { limit: onOnePage });
    return show(context, deps, { title: "Policies", here: "policies", content: policiesPage(items) });
  });
  app.get("/policies/:policy", async (context) => {
    const caller = context.get("caller");
    const id = context.req.param("policy");
    const policy = await control.policy(caller, id);
    const query = context.req.query();
    const [release, sample] = [filled(query, "release"), filled(query, "sample")];
    let tried: PolicyTestView | null = null;
    let receipt: Html = nothing;
    try {
      if (release !== undefined || sample !== undefined)
        tried = await control.testPolicy(caller, {
          policy: id,
          body: { ...(release && { release }), ...(sample && { sample }) },
        });
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code === "internal") throw error;
      receipt = problemBox(problemOf(error).body);
    }
    const asked = { release: release ?? "", sample: sample ?? "" };
    return show(context, deps, { title: id, here: "policies", content: policyPage({ policy, tried, asked, receipt }) });
  });
  return app;
}
