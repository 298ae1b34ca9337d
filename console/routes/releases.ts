import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Context } from "hono";
import type { Answer } from "../../control/answer.ts";
import { CountersignError } from "../../domain/errors.ts";
import { problemOf } from "../../domain/http/problem.ts";
import { releaseStates } from "../../domain/lifecycle.ts";
import { isStage } from "../../domain/stages.ts";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";
import { parametersIn, readForm } from "../forms.ts";
import type { Fields } from "../forms.ts";
import { show } from "../frame.ts";
import { paths } from "../markup.ts";
import type { Html } from "../markup.ts";
import { releasesPage } from "../pages/lists.ts";
import { releasePage } from "../pages/release.ts";
import { patiently, problemBox, receiptOf } from "../receipt.ts";

export function releaseRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { control } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/releases", async (context) => {
    const state = releaseStates.find((one) => one === context.req.query("state"));
    const { items, next } = await control.releases(context.get("caller"), {
      limit: 50,
      state,
      after: context.req.query("after"),
    });
    return show(context, deps, {
      title: "Releases",
      here: "releases",
      content: releasesPage(items, { state: state ?? null, next }),
      live: null,
    });
  });
  app.get("/releases/:release", async (context) => showRelease(context, deps, {}));
  app.get("/releases/:release/logs", async (context) => {
    const stage = context.req.query("stage");
    const log = await control.releaseLog(context.get("caller"), {
      release: context.req.param("release"),
      stage: stage !== undefined && isStage(stage) ? stage : undefined,
    });
    return context.text(log);
  });
  app.post("/releases/:release/unblock", async (context) => {
    const fields = await readForm(context);
    // Only a retry takes parameters; what stands in the other fields then was not meant.
    const parameters = fields["action"] === "retry" ? parametersIn(fields) : {};
    const body = { action: fields["action"], reason: fields["reason"] ?? "", parameters };
    return submit(context, deps, {
      fields,
      send: (id) =>
        control.run("unblock", { caller: context.get("caller"), about: { id }, sent: { body, key: fields["key"] ?? null } }),
    });
  });
  app.post("/releases/:release/withdraw", async (context) => {
    const fields = await readForm(context);
    return submit(context, deps, {
      fields,
      send: (id) =>
        control.run("withdraw-release", {
          caller: context.get("caller"),
          about: { id },
          sent: { body: { reason: fields["reason"] ?? "" }, key: fields["key"] ?? null },
        }),
    });
  });
  return app;
}

interface Submission {
  fields: Fields;
  send(release: string): Promise<Answer<unknown>>;
}

async function submit(context: Context<ConsoleEnv>, deps: ConsoleDeps, { fields, send }: Submission): Promise<Response> {
  const id = context.req.param("release") ?? "";
  try {
    const { command } = await patiently(() => send(id));
    return context.redirect(`${paths.release(id)}?command=${command}`, 303);
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code === "not-found") throw error;
    const { status, body } = problemOf(error);
    return showRelease(context, deps, { receipt: problemBox(body), kept: fields, status });
  }
}

async function showRelease(
  context: Context<ConsoleEnv>,
  deps: ConsoleDeps,
  { receipt, kept = {}, status = 200 }: { receipt?: Html; kept?: Fields; status?: number },
): Promise<Response> {
  const { control } = deps;
  const caller = context.get("caller");
  const release = await control.release(caller, context.req.param("release") ?? "");
  const content = releasePage({
    release,
    csrf: context.get("csrf"),
    key: randomUUID(),
    receipt: receipt ?? (await receiptOf(control, caller, context.req.query("command"))),
    kept,
  });
  return show(context, deps, {
    title: release.id,
    here: "releases",
    content,
    live: release.model,
    status,
    ...(status === 200 ? {} : { self: paths.release(release.id) }),
  });
}
