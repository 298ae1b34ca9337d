import { Hono } from "hono";
import type { Context } from "hono";
import { CountersignError } from "../../domain/errors.ts";
import { assetPaths } from "../assets.ts";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";
import { filled, readFields, readForm } from "../forms.ts";
import { signInPage } from "../pages/entrance.ts";
import type { KnownPerson } from "../pages/entrance.ts";
import { bare } from "../pages/layout.ts";
import { closeSession, openSession, ownPath, requireSession } from "../session.ts";

export function entranceRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();
  app.get("/sign-in", async (context) => entrance(context, deps, { next: ownPath(context.req.query("next")), fault: null }));
  app.post("/sign-in", async (context) => {
    const fields = await readFields(context);
    const next = ownPath(fields["next"]);
    try {
      await openSession(context, deps.control, await tokenIn(fields, deps));
      return context.redirect(next, 303);
    } catch (error) {
      if (!(error instanceof CountersignError) || error.code !== "unauthenticated") throw error;
      return entrance(context, deps, { next, fault: error.message });
    }
  });
  app.post("/sign-out", requireSession(deps), async (context) => {
    await readForm(context);
    await closeSession(context, deps.control);
    return context.redirect("/sign-in", 303);
  });
  return app;
}

async function tokenIn(fields: Record<string, string>, { developmentTokens }: ConsoleDeps): Promise<string> {
  const principal = filled(fields, "principal");
  if (principal === undefined) return filled(fields, "token") ?? "";
  const tokens = developmentTokens === null ? {} : await developmentTokens();
  const token = Object.hasOwn(tokens, principal) ? tokens[principal] : undefined;
  if (token === undefined) throw new CountersignError("unauthenticated", "Nobody of that name signs in here by a button.");
  return token;
}

async function entrance(
  context: Context<ConsoleEnv>,
  deps: ConsoleDeps,
  { next, fault }: { next: string; fault: string | null },
): Promise<Response> {
  const content = signInPage({ people: await knownPeople(deps), next, fault });
  return context.html(
    bare({ title: "Sign in", nonce: context.get("nonce"), assets: assetPaths, content }),
    fault === null ? 200 : 401,
  );
}

/** The seeded people; machines sign in by their tokens. */
async function knownPeople({ control, developmentTokens }: ConsoleDeps): Promise<KnownPerson[]> {
  if (developmentTokens === null) return [];
  const tokens = Object.values(await developmentTokens());
  const callers = await Promise.allSettled(tokens.map((token) => control.authenticate(token, "console")));
  return callers
    .flatMap((one) => (one.status === "fulfilled" ? [one.value.principal] : []))
    .filter((one) => one.kind === "person")
    .map(({ id, displayName, groups, roles }) => ({ principal: id, displayName, groups, roles }));
}
