import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import type { SlackDoor } from "../../control/slack-door.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { ConsoleDeps, ConsoleEnv } from "../deps.ts";
import { filled, readForm } from "../forms.ts";
import { show } from "../frame.ts";
import { linkedPage, linkPage, messagesPage } from "../pages/messages.ts";

/** How messages go, and the one-time link that tells who somebody in Slack is. Opening it links nothing: the button does. */
export function messageRoutes(deps: ConsoleDeps): Hono<ConsoleEnv> {
  const { control, slackDoor } = deps;
  const app = new Hono<ConsoleEnv>();
  app.get("/messages", async (context) => {
    const caller = context.get("caller");
    const [messages, own] = await Promise.all([control.messages.messages(caller), control.messages.own(caller)]);
    const form = { csrf: context.get("csrf"), key: randomUUID() };
    return show(context, deps, { title: "Messages", here: "messages", content: messagesPage({ messages, own, form }) });
  });
  app.post("/messages/me", async (context) => {
    const fields = await readForm(context);
    const body = { direct: filled(fields, "direct") === "yes" };
    await control.messages.setOwn(context.get("caller"), { body, key: fields["key"] ?? null });
    return context.redirect("/messages", 303);
  });
  app.post("/messages/unlink", async (context) => {
    const fields = await readForm(context);
    await needed(slackDoor).unlink(context.get("caller"), { team: fields["team"] ?? "", user: fields["user"] ?? "" });
    return context.redirect("/messages", 303);
  });
  app.get("/slack/link", async (context) => {
    const code = context.req.query("code") ?? "";
    const person = await needed(slackDoor).readLink(code);
    const me = control.me(context.get("caller"));
    const form = { csrf: context.get("csrf"), key: randomUUID() };
    return show(context, deps, { title: "Link with Slack", here: "messages", content: linkPage({ person, me, code, form }) });
  });
  app.post("/slack/link", async (context) => {
    const fields = await readForm(context);
    await needed(slackDoor).finishLink(context.get("caller"), fields["code"] ?? "");
    return show(context, deps, {
      title: "Linked with Slack",
      here: "messages",
      content: linkedPage(control.me(context.get("caller"))),
      self: "/messages",
    });
  });
  return app;
}

function needed(door: SlackDoor | undefined): SlackDoor {
  if (door) return door;
  throw new CountersignError("not-found", "Slack is not set up here.");
}
