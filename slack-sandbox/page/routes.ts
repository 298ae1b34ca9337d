import { readFile } from "node:fs/promises";
import { Hono } from "hono";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import type { Handle } from "../handle.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { perform } from "./acts.ts";
import { renderFrame } from "./frame.ts";
import { renderLog } from "./log.ts";
import { renderChannel, renderThread } from "./messages.ts";
import type { Html } from "./mrkdwn.ts";
import { renderRail } from "./rail.ts";
import { renderHome, renderModal } from "./views.ts";
import { markRead, readVisit, type Visit } from "./visit.ts";

interface Deps {
  handle: Handle;
  workspace: Workspace;
  consoleUrl: string | null;
}

const assets: Record<string, string> = { "client.js": "text/javascript", "client.css": "text/css" };
/** Changes of one moment are one event. */
const gatherMs = 40;

/** The page, drawn here; a small script draws parts anew when something changed. */
export function pageRoutes(deps: Deps) {
  const { handle, workspace, consoleUrl } = deps;
  const app = new Hono();

  async function regions(visit: Visit) {
    if (visit.channel !== null && markRead(workspace, { channel: visit.channel, user: visit.user })) workspace.changed();
    const modal = renderModal(workspace, visit);
    const markup = async (part: Html) => String(await part);
    const main =
      visit.place === "home"
        ? renderHome(workspace, visit)
        : visit.place === "log"
          ? renderLog(handle, consoleUrl)
          : renderChannel(workspace, visit);
    return {
      as: visit.user.name,
      place: visit.place,
      composer: composerOf(visit),
      main: await markup(main),
      rail: await markup(renderRail(workspace, visit, consoleUrl)),
      thread: await markup(renderThread(workspace, visit)),
      modal: await markup(modal.markup),
      modalKey: modal.key,
    };
  }

  app.get("/", async (context) => {
    const visit = readVisit(workspace, context.req.query());
    return context.html(renderFrame(await regions(visit)));
  });

  /** A link to a message, as `chat.getPermalink` gives it. */
  app.get("/archives/:channel/:message", (context) => {
    const digits = context.req.param("message").replace(/^p/, "");
    const ts = `${digits.slice(0, -6)}.${digits.slice(-6)}`;
    return context.redirect(`/?in=${encodeURIComponent(context.req.param("channel"))}&thread=${encodeURIComponent(ts)}`);
  });

  app.get("/client/regions", async (context) => context.json(await regions(readVisit(workspace, context.req.query()))));

  app.get("/client/stream", (context) => streamSSE(context, (stream) => follow(workspace, stream)));

  app.post("/client/act", async (context) => {
    try {
      await perform(handle, await context.req.json().catch(() => null));
      return context.json({ ok: true });
    } catch (error) {
      return context.json({ ok: false, error: error instanceof Error ? error.message : String(error) }, 422);
    }
  });

  app.get("/client/assets/:name", async (context) => {
    const name = context.req.param("name");
    const type = assets[name];
    if (type === undefined) return context.notFound();
    return context.body(await readFile(new URL(`assets/${name}`, import.meta.url), "utf8"), 200, {
      "content-type": `${type}; charset=utf-8`,
    });
  });
  return app;
}

/** An event for each change, and one at the beginning, until the page is left. */
async function follow(workspace: Workspace, stream: SSEStreamingApi): Promise<void> {
  let isOver = false;
  let hasChanged = true;
  let wake: () => void = () => undefined;
  const stop = workspace.listen(() => {
    hasChanged = true;
    wake();
  });
  stream.onAbort(() => {
    isOver = true;
    wake();
  });
  while (!isOver) {
    if (!hasChanged)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    await stream.sleep(gatherMs);
    hasChanged = false;
    if (!isOver) await stream.writeSSE({ event: "change", data: "" });
  }
  stop();
}

function composerOf({ channel }: Visit): { label: string; channel: string } | null {
  if (channel === null || channel.is_archived) return null;
  return { label: channel.im === null ? `Message #${channel.name}` : "Message Countersign", channel: channel.id };
}
