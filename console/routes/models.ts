import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Context } from "hono";
import type { Answer } from "../../control/answer.ts";
import type { Caller } from "../../control/caller.ts";
import type { Control } from "../../control/control.ts";
import { CountersignError } from "../../domain/errors.ts";
import { closersOf } from "../../domain/finding.ts";
import type { FindingView } from "../../domain/http/gate-views.ts";
import { problemOf } from "../../domain/http/problem.ts";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";
import { filled, parametersIn, readForm } from "../forms.ts";
import type { Fields } from "../forms.ts";
import { show } from "../frame.ts";
import { paths } from "../markup.ts";
import type { Html } from "../markup.ts";
import type { OpenFinding } from "../pages/findings.ts";
import { modelPage, modelsPage } from "../pages/model.ts";
import { patiently, problemBox, receiptOf } from "../receipt.ts";

const onOnePage = 100;

export function modelRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { control } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/", async (context) => {
    const { items } = await control.models(context.get("caller"), { limit: onOnePage });
    return show(context, deps, { title: "Models", here: "models", content: modelsPage(items), live: null });
  });
  app.get("/models/:model", async (context) => showModel(context, deps, {}));
  app.post("/models/:model/releases", async (context) => {
    const fields = await readForm(context);
    const body = { reason: fields["reason"] ?? "", parameters: parametersIn(fields) };
    const model = context.req.param("model");
    return submit(context, deps, {
      fields: { ...fields, form: "release" },
      send: () =>
        control.run("request-release", {
          caller: context.get("caller"),
          about: { model },
          sent: { body, key: fields["key"] ?? null },
        }),
    });
  });
  app.post("/models/:model/rollback", async (context) => {
    const fields = await readForm(context);
    const to = filled(fields, "to");
    const body = { environment: fields["environment"], reason: fields["reason"] ?? "", ...(to === undefined ? {} : { to }) };
    const send = async () => {
      confirmed(fields);
      const about = { model: context.req.param("model") };
      return control.run("rollback", { caller: context.get("caller"), about, sent: { body, key: fields["key"] ?? null } });
    };
    return submit(context, deps, { fields, send });
  });
  app.post("/models/:model/findings", async (context) => {
    const fields = await readForm(context);
    const about = { model: context.req.param("model"), id: fields["finding"] ?? "" };
    const sent = { body: { reason: filled(fields, "reason") ?? "" }, key: fields["key"] ?? null };
    return submit(context, deps, {
      fields,
      send: () => control.run("close-finding", { caller: context.get("caller"), about, sent }),
    });
  });
  app.post("/models/:model/break-glass", async (context) => {
    const fields = await readForm(context);
    const version = filled(fields, "what");
    const action = version === undefined ? "rollback" : "promote";
    const body = { action, version: version ?? null, environment: fields["environment"], reason: fields["reason"] ?? "" };
    const send = async () => {
      confirmed(fields);
      const about = { model: context.req.param("model") };
      return control.run("break-glass", { caller: context.get("caller"), about, sent: { body, key: fields["key"] ?? null } });
    };
    return submit(context, deps, { fields, send });
  });
  return app;
}

/** Traffic moves at once: what was not confirmed is not sent. */
function confirmed(fields: Fields): void {
  if (fields["confirm"] !== "yes")
    throw new CountersignError("invalid", "Nothing was moved: the box that confirms it was not ticked.");
}

interface Submission {
  fields: Fields;
  send(): Promise<Answer<unknown>>;
}

async function submit(
  context: Context<ConsoleEnv, "/models/:model/*">,
  deps: ConsoleDeps,
  { fields, send }: Submission,
): Promise<Response> {
  const model = context.req.param("model") ?? "";
  try {
    const { command } = await patiently<unknown>(send);
    return context.redirect(`${paths.model(model)}?command=${command}`, 303);
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code === "not-found") throw error;
    const { status, body } = problemOf(error);
    return showModel(context, deps, { receipt: problemBox(body), kept: fields, status });
  }
}

async function showModel(
  context: Context<ConsoleEnv>,
  deps: ConsoleDeps,
  { receipt, kept = {}, status = 200 }: { receipt?: Html; kept?: Fields; status?: number },
): Promise<Response> {
  const { control } = deps;
  const caller = context.get("caller");
  const name = context.req.param("model") ?? "";
  const [model, releases, versions, findings] = await Promise.all([
    control.model(caller, name),
    control.releases(caller, { limit: 20, model: name }),
    control.versions(caller, { limit: onOnePage, model: name }),
    control.findings(caller, name),
  ]);
  const content = modelPage({
    model,
    releases: releases.items,
    versions: versions.items,
    findings: await openFindings(control, caller, { found: findings.items, ownerTeam: model.owner.team }),
    csrf: context.get("csrf"),
    key: randomUUID(),
    receipt: receipt ?? (await receiptOf(control, caller, context.req.query("command"))),
    kept,
  });
  return show(context, deps, {
    title: name,
    here: "models",
    content,
    live: name,
    status,
    ...(status === 200 ? {} : { self: paths.model(name) }),
  });
}

/** A break-glass is answered by its review alone. */
async function openFindings(
  control: Control,
  caller: Caller,
  { found, ownerTeam }: { found: FindingView[]; ownerTeam: string },
): Promise<OpenFinding[]> {
  const open = found.filter((one) => one.closedAt === null);
  return Promise.all(
    open.map(async (finding) => {
      const request = finding.gate === null ? null : (await control.gate(caller, finding.gate)).request;
      const { groups, barred } = closersOf(request, ownerTeam);
      const { id, groups: own } = caller.principal;
      const among = groups.some((group) => own.includes(group)) && !barred.includes(id);
      return { finding, mayClose: among && finding.kind !== "break-glass" };
    }),
  );
}
