import type { Context } from "hono";
import { errorCodes } from "../domain/errors.ts";
import type { CountersignError } from "../domain/errors.ts";
import { countOf } from "../domain/http/record-views.ts";
import { assetPaths } from "./assets.ts";
import type { ConsoleDeps, ConsoleEnv } from "./deps.ts";
import type { Html } from "./markup.ts";
import { faultPage } from "./pages/entrance.ts";
import { bare, page } from "./pages/layout.ts";
import type { Frame } from "./pages/layout.ts";
import { addressOf } from "./session.ts";

type Status = 200 | 400 | 403 | 404 | 409 | 413 | 415 | 422 | 429 | 500 | 503;

export interface Shown {
  title: string;
  here: Frame["here"];
  content: Html;
  /** The model whose events change the page; null: of any. Left out: it does not change. */
  live?: string | null;
  status?: number;
  /** The page's own address, where it is shown in answer to a form. */
  self?: string;
}

/** A whole page with its frame; the count in the menu is read anew each time. */
export async function show(
  context: Context<ConsoleEnv>,
  { control }: Pick<ConsoleDeps, "control">,
  { title, here, content, live, status = 200, self }: Shown,
): Promise<Response> {
  const caller = context.get("caller");
  const waiting = await control.gates(caller, { limit: 50, state: "open", mine: true });
  const frame: Frame = {
    nonce: context.get("nonce"),
    csrf: context.get("csrf"),
    me: control.me(caller),
    waiting: countOf(waiting),
    here,
    assets: assetPaths,
    self: self ?? addressOf(context),
    ...(live === undefined ? {} : { live }),
  };
  // The codes of domain/errors.ts are all that a page can have.
  return context.html(page(frame, title, content), status as Status);
}

/** An error as a page, with or without a session. */
export async function showFault(context: Context<ConsoleEnv>, deps: ConsoleDeps, error: CountersignError): Promise<Response> {
  const { status, retry } = errorCodes[error.code];
  if (retry) context.header("retry-after", "2");
  const title =
    { 403: "Not permitted", 404: "Not found", 503: "Unavailable for the moment" }[status as number] ?? "That did not work";
  const content = faultPage({ title, detail: error.message, cure: error.cure });
  if (context.get("caller") !== undefined && error.code !== "unavailable" && error.code !== "internal")
    return show(context, deps, { title, here: "models", content, status });
  return context.html(bare({ title, nonce: context.get("nonce"), assets: assetPaths, content }), status as Status);
}
