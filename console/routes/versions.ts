import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Context } from "hono";
import { CountersignError } from "../../domain/errors.ts";
import { problemOf } from "../../domain/http/problem.ts";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";
import { readForm } from "../forms.ts";
import { show } from "../frame.ts";
import { paths } from "../markup.ts";
import type { Html } from "../markup.ts";
import { versionPage } from "../pages/lists.ts";
import { reproductionsCard } from "../pages/reproductions.ts";
import { patiently, problemBox, receiptOf } from "../receipt.ts";

export function versionRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { control } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/versions/:version", async (context) => showVersion(context, deps, {}));
  app.post("/versions/:version/reproductions", async (context) => {
    const { key } = await readForm(context);
    const id = context.req.param("version");
    try {
      const { command } = await patiently(() =>
        control.run("reproduce", { caller: context.get("caller"), about: { id }, sent: { body: {}, key: key ?? null } }),
      );
      return context.redirect(`${paths.version(id)}?command=${command}`, 303);
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code === "not-found") throw error;
      const { status, body } = problemOf(error);
      return showVersion(context, deps, { receipt: problemBox(body), status });
    }
  });
  return app;
}

async function showVersion(
  context: Context<ConsoleEnv>,
  deps: ConsoleDeps,
  { receipt, status = 200 }: { receipt?: Html; status?: number },
): Promise<Response> {
  const { control } = deps;
  const caller = context.get("caller");
  const version = await control.version(caller, context.req.param("version") ?? "");
  const reproductions = reproductionsCard({
    version,
    csrf: context.get("csrf"),
    key: randomUUID(),
    receipt: receipt ?? (await receiptOf(control, caller, context.req.query("command"))),
  });
  return show(context, deps, {
    title: version.id,
    here: "models",
    content: versionPage(version, reproductions),
    live: version.model,
    status,
    ...(status === 200 ? {} : { self: paths.version(version.id) }),
  });
}
