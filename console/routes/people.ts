import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { Context } from "hono";
import type { Answer } from "../../control/answer.ts";
import { CountersignError } from "../../domain/errors.ts";
import { problemOf } from "../../domain/http/problem.ts";
import { groupTag } from "../../domain/people-file.ts";
import { scopes } from "../../domain/principal.ts";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";
import { filled, readForm, type Fields } from "../forms.ts";
import { show } from "../frame.ts";
import { paths, type Html } from "../markup.ts";
import { mePage, tokenBox } from "../pages/me.ts";
import { peoplePage } from "../pages/people.ts";
import { patiently, problemBox, receiptOf } from "../receipt.ts";

const onOnePage = 200;

/** People and groups: for everybody to read, for admins to change. */
export function peopleRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { people } = deps.control;
  const app = new Hono<ConsoleEnv>();
  app.get("/people", async (context) => showPeople(context, deps, {}));
  app.post("/people/groups", async (context) => {
    const fields = await readForm(context);
    const about = fields["group"] ?? "";
    const before = (fields["before"] ?? "").split(" ").filter(Boolean);
    const sent = { body: { members: ticked(fields, "member.") }, key: fields["key"] ?? null };
    const ifMatch = before.length === 0 ? null : groupTag(before);
    return submit(context, deps, () => people.changeGroup({ caller: context.get("caller"), about, sent, ifMatch }));
  });
  app.post("/people/principals", async (context) => {
    const fields = await readForm(context);
    const name = filled(fields, "name");
    const body =
      fields["back"] === "yes"
        ? { active: true }
        : {
            roles: ticked(fields, "role."),
            ...(name === undefined ? {} : { displayName: name, kind: fields["machine"] === "yes" ? "machine" : "person" }),
          };
    const asked = { caller: context.get("caller"), about: fields["principal"] ?? "", ifMatch: null };
    return submit(context, deps, () => people.changePrincipal({ ...asked, sent: { body, key: fields["key"] ?? null } }));
  });
  app.post("/people/leave", async (context) => {
    const fields = await readForm(context);
    const sent = { body: { reason: fields["reason"] ?? "" }, key: fields["key"] ?? null };
    const asked = { caller: context.get("caller"), about: fields["principal"] ?? "", sent };
    return submit(context, deps, () => people.deactivate(asked));
  });
  return app;
}

/** One's own page: groups and roles, delegations, tokens. */
export function meRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { people } = deps.control;
  const app = new Hono<ConsoleEnv>();
  app.get("/me", async (context) => showMe(context, deps, {}));
  app.post("/me/delegations", async (context) => {
    const fields = await readForm(context);
    const body = {
      to: fields["to"] ?? "",
      until: endOfDay(fields["until"] ?? ""),
      reason: fields["reason"] ?? "",
      model: filled(fields, "model") ?? null,
    };
    const asked = { caller: context.get("caller"), sent: { body, key: fields["key"] ?? null } };
    return submitOwn(context, deps, () => people.delegate(asked));
  });
  app.post("/me/delegations/end", async (context) => {
    const fields = await readForm(context);
    const sent = { body: { reason: fields["reason"] ?? "" }, key: fields["key"] ?? null };
    const asked = { caller: context.get("caller"), about: fields["id"] ?? "", sent };
    return submitOwn(context, deps, () => people.revokeDelegation(asked));
  });
  app.post("/me/tokens/end", async (context) => {
    const fields = await readForm(context);
    const asked = { caller: context.get("caller"), about: fields["id"] ?? "", sent: { key: fields["key"] ?? null } };
    return submitOwn(context, deps, () => people.endToken(asked));
  });
  app.post("/me/tokens", async (context) => makeToken(context, deps));
  return app;
}

/** The one form that is not answered by a redirect: what it shows is shown once. */
async function makeToken(context: Context<ConsoleEnv>, deps: ConsoleDeps): Promise<Response> {
  const fields = await readForm(context);
  const expiresAt = new Date(deps.now().getTime() + Number(fields["days"] ?? "90") * 86_400_000);
  const body = {
    name: fields["name"] ?? "",
    scopes: ticked(fields, "scope."),
    expiresAt: Number.isNaN(expiresAt.getTime()) ? "" : expiresAt.toISOString(),
  };
  const asked = { caller: context.get("caller"), sent: { body, key: fields["key"] ?? null } };
  try {
    const answer = await patiently(() => deps.control.people.makeToken(asked));
    const token = answer.kind === "done" ? answer.value.token : null;
    if (token !== null) return await showMe(context, deps, { receipt: tokenBox(token, body.name), self: paths.me() });
    return context.redirect(`${paths.me()}?command=${answer.command}`, 303);
  } catch (error) {
    return faultOr(error, (receipt, status) => showMe(context, deps, { receipt, status, self: paths.me() }));
  }
}

function ticked(fields: Fields, prefix: string): string[] {
  return Object.keys(fields).flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}

/** The last second of a day in UTC, as the form says; control tells what is no day. */
function endOfDay(day: string): string {
  return /^\d{4}-\d{2}-\d{2}$/.test(day) ? `${day}T23:59:59Z` : day;
}

async function submit(context: Context<ConsoleEnv>, deps: ConsoleDeps, send: () => Promise<Answer<unknown>>): Promise<Response> {
  try {
    const { command } = await patiently<unknown>(send);
    return context.redirect(`${paths.people()}?command=${command}`, 303);
  } catch (error) {
    return faultOr(error, (receipt, status) => showPeople(context, deps, { receipt, status, self: paths.people() }));
  }
}

async function submitOwn(
  context: Context<ConsoleEnv>,
  deps: ConsoleDeps,
  send: () => Promise<Answer<unknown>>,
): Promise<Response> {
  try {
    const { command } = await patiently<unknown>(send);
    return context.redirect(`${paths.me()}?command=${command}`, 303);
  } catch (error) {
    return faultOr(error, (receipt, status) => showMe(context, deps, { receipt, status, self: paths.me() }));
  }
}

function faultOr(error: unknown, shown: (receipt: Html, status: number) => Promise<Response>): Promise<Response> {
  if (!(error instanceof CountersignError) || error.code === "not-found") throw error;
  const { status, body } = problemOf(error);
  return shown(problemBox(body), status);
}

interface Shown {
  receipt?: Html;
  status?: number;
  self?: string;
}

async function showPeople(context: Context<ConsoleEnv>, deps: ConsoleDeps, { receipt, ...more }: Shown): Promise<Response> {
  const { control } = deps;
  const caller = context.get("caller");
  const [groups, people] = await Promise.all([
    control.groups(caller, { limit: onOnePage }),
    control.people.principals(caller, { limit: onOnePage }),
  ]);
  const content = peoplePage({
    groups: groups.items,
    people: people.items,
    admin: caller.principal.kind === "person" && caller.principal.roles.includes("admin"),
    csrf: context.get("csrf"),
    key: randomUUID(),
    receipt: receipt ?? (await receiptOf(control, caller, context.req.query("command"))),
  });
  return show(context, deps, { title: "People", here: "people", content, ...more });
}

async function showMe(context: Context<ConsoleEnv>, deps: ConsoleDeps, { receipt, ...more }: Shown): Promise<Response> {
  const { control } = deps;
  const caller = context.get("caller");
  const [tokens, delegations, people, models] = await Promise.all([
    control.people.tokens(caller, { limit: onOnePage }),
    control.people.delegations(caller, { limit: onOnePage }),
    control.people.principals(caller, { limit: onOnePage }),
    control.models(caller, { limit: onOnePage }),
  ]);
  const content = mePage({
    me: control.me(caller),
    tokens: tokens.items,
    delegations: delegations.items,
    people: people.items.filter((one) => one.active && one.kind === "person"),
    models: models.items.map((one) => one.model),
    scopes,
    now: deps.now().toISOString(),
    csrf: context.get("csrf"),
    key: randomUUID(),
    receipt: receipt ?? (await receiptOf(control, caller, context.req.query("command"))),
  });
  return show(context, deps, { title: "You", here: "me", content, ...more });
}
