import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Context } from "hono";
import { raw } from "hono/html";
import { CountersignError } from "../../domain/errors.ts";
import { problemOf } from "../../domain/http/problem.ts";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";
import { decisionIn } from "../decision-fields.ts";
import { filled, readForm } from "../forms.ts";
import type { Fields } from "../forms.ts";
import { show } from "../frame.ts";
import { paths } from "../markup.ts";
import type { Html } from "../markup.ts";
import { evidenceSections } from "../pages/evidence.ts";
import { gatePage } from "../pages/gate.ts";
import { inboxPage } from "../pages/inbox.ts";
import { patiently, problemBox, receiptOf } from "../receipt.ts";

export function gateRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { control } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/inbox", async (context) => showInbox(context, deps));
  app.get("/gates/:gate", async (context) => showGate(context, deps, {}));
  app.post("/gates/:gate/decisions", async (context) => {
    const fields = await readForm(context);
    const id = context.req.param("gate");
    try {
      const { request } = await control.gate(context.get("caller"), id);
      const body = decisionIn(fields, request.inputs);
      const asked = { caller: context.get("caller"), about: { id }, sent: { body, key: fields["key"] ?? null } };
      const { command } = await patiently(() => control.run("decide", asked));
      return context.redirect(`${paths.gate(id)}?command=${command}`, 303);
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code === "not-found") throw error;
      const { status, body } = problemOf(error);
      return showGate(context, deps, { receipt: problemBox(body), kept: fields, status });
    }
  });
  app.post("/gates/:gate/withdrawals", async (context) => {
    const fields = await readForm(context);
    const id = context.req.param("gate");
    try {
      const sent = { body: { reason: filled(fields, "reason") ?? "" }, key: fields["key"] ?? null };
      const { command } = await patiently(() =>
        control.run("withdraw-decision", { caller: context.get("caller"), about: { id }, sent }),
      );
      return context.redirect(`${paths.gate(id)}?command=${command}`, 303);
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code === "not-found") throw error;
      const { status, body } = problemOf(error);
      return showGate(context, deps, { receipt: problemBox(body), status });
    }
  });
  app.post("/inbox/decisions", async (context) => {
    const fields = await readForm(context);
    const chosen = Object.keys(fields).flatMap((name) => (name.startsWith("gate.") ? [name.slice("gate.".length)] : []));
    const decisions = chosen.map((gate) => ({
      gate,
      decision: fields["decision"],
      digest: fields[`digest.${gate}`],
      reason: filled(fields, "reason") ?? null,
    }));
    const sent = { body: { decisions }, key: fields["key"] ?? null };
    const answer = await patiently(() => control.decideMany(context.get("caller"), sent)).catch((error: unknown) => {
      if (error instanceof CountersignError) return error;
      throw error;
    });
    if (answer instanceof CountersignError) {
      const { status, body } = problemOf(answer);
      return showInbox(context, deps, { receipt: problemBox(body), status });
    }
    return context.redirect(`${paths.inbox()}?command=${answer.command}`, 303);
  });
  return app;
}

async function showInbox(
  context: Context<ConsoleEnv>,
  deps: ConsoleDeps,
  { receipt, status = 200 }: { receipt?: Html; status?: number } = {},
): Promise<Response> {
  const { control } = deps;
  const caller = context.get("caller");
  const [mine, open] = await Promise.all([
    control.gates(caller, { limit: 100, state: "open", mine: true }),
    control.gates(caller, { limit: 100, state: "open" }),
  ]);
  const content = inboxPage(
    { mine, open },
    {
      csrf: context.get("csrf"),
      key: randomUUID(),
      receipt: receipt ?? (await receiptOf(control, caller, context.req.query("command"))),
    },
  );
  return show(context, deps, {
    title: "Inbox",
    here: "inbox",
    content,
    live: null,
    status,
    ...(status === 200 ? {} : { self: paths.inbox() }),
  });
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
  // Only what somebody may decide on is kept: what was seen is what is signed.
  const seen = gate.you.mayDecide
    ? await control.keepRendered(caller, { gate: gate.id, mediaType: "text/html", text: markup })
    : "";
  const content = gatePage({
    gate,
    evidence: raw(markup),
    form: { csrf: context.get("csrf"), key: randomUUID(), seen, kept, fault: null },
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
