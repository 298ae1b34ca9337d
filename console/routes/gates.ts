import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Context } from "hono";
import { raw } from "hono/html";
import { digestOf } from "../../domain/digest.ts";
import { CountersignError } from "../../domain/errors.ts";
import { problemOf } from "../../domain/http/problem.ts";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";
import { filled, parametersIn, readForm } from "../forms.ts";
import type { Fields } from "../forms.ts";
import { show } from "../frame.ts";
import { paths } from "../markup.ts";
import type { Html } from "../markup.ts";
import { evidenceSections } from "../pages/evidence.ts";
import { gatePage } from "../pages/gate.ts";
import { inboxPage } from "../pages/lists.ts";
import { patiently, problemBox, receiptOf } from "../receipt.ts";

export function gateRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { control } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/inbox", async (context) => {
    const { items } = await control.gates(context.get("caller"), { limit: 200, state: "open" });
    return show(context, deps, { title: "Inbox", here: "inbox", content: inboxPage(items), live: null });
  });
  app.get("/gates/:gate", async (context) => showGate(context, deps, {}));
  app.post("/gates/:gate/decisions", async (context) => {
    const fields = await readForm(context);
    const id = context.req.param("gate");
    try {
      const { command } = await patiently(() =>
        control.decide(context.get("caller"), id, { body: decisionIn(fields), key: fields["key"] ?? null }),
      );
      return context.redirect(`${paths.gate(id)}?command=${command}`, 303);
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code === "not-found") throw error;
      const { status, body } = problemOf(error);
      return showGate(context, deps, { receipt: problemBox(body), kept: fields, status });
    }
  });
  return app;
}

/** The form as the API's own body; control checks it. What belongs to other choices is left out. */
function decisionIn(fields: Fields): Record<string, unknown> {
  const reason = filled(fields, "reason");
  const changes =
    fields["decision"] === "request-changes"
      ? { returnTo: filled(fields, "returnTo") ?? null, parameters: parametersIn(fields) }
      : {};
  return { decision: fields["decision"], digest: fields["digest"], seen: fields["seen"], reason: reason ?? null, ...changes };
}

async function showGate(
  context: Context<ConsoleEnv>,
  deps: ConsoleDeps,
  { receipt, kept = {}, status = 200 }: { receipt?: Html; kept?: Fields; status?: number },
): Promise<Response> {
  const { control, now } = deps;
  const caller = context.get("caller");
  const gate = await control.gate(caller, context.req.param("gate") ?? "");
  const markup = (await evidenceSections(gate)).toString();
  const content = gatePage({
    gate,
    evidence: raw(markup),
    form: { csrf: context.get("csrf"), key: randomUUID(), seen: digestOf(markup), kept, fault: null },
    receipt: receipt ?? (await receiptOf(control, caller, context.req.query("command"))),
    now: now().getTime(),
  });
  return show(context, deps, {
    title: gate.request.ask,
    here: "inbox",
    content,
    live: gate.model,
    status,
    ...(status === 200 ? {} : { self: paths.gate(gate.id) }),
  });
}
