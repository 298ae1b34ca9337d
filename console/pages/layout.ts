import { html } from "hono/html";
import type { MeView } from "../../domain/http/record-views.ts";
import { nothing, paths } from "../markup.ts";
import type { Html } from "../markup.ts";

/** What every page of a session knows besides its own subject. */
export interface Frame {
  nonce: string;
  csrf: string;
  me: MeView;
  /** Open gates on which the reader may decide, `50+` where more follow. */
  waiting: string;
  /** Which part of the site the page belongs to. */
  here: "models" | "policies" | "releases" | "inbox" | "audit" | "people" | "me" | "messages";
  /** The model whose events change the page; null: any. Undefined: the page does not change. */
  live?: string | null;
  /** Where this page is found again; a page that answers a form has another address. */
  self: string;
  assets: { css: string; js: string };
}

export function bare({
  title,
  nonce,
  assets,
  content,
}: {
  title: string;
  nonce: string;
  assets: Frame["assets"];
  content: Html;
}): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Countersign</title>
        <link rel="icon" href="/assets/mark.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="${assets.css}" />
        <script src="${assets.js}" nonce="${nonce}" defer></script>
      </head>
      <body>
        ${content}
      </body>
    </html>`;
}

export function page(frame: Frame, title: string, content: Html): Html {
  const { nonce, assets, live, self } = frame;
  const main =
    live === undefined
      ? html`<main id="content">${content}</main>`
      : html`<main
          id="content"
          data-self="${self}"
          data-events="/live${live === null ? "" : `?model=${encodeURIComponent(live)}`}"
        >
          ${content}
        </main>`;
  return bare({
    title,
    nonce,
    assets,
    content: html`<a class="skip" href="#content">Skip to the content</a>
      ${header(frame)} ${main}
      <footer>
        <p id="connection" role="status" hidden>
          The page is not live at the moment; it shows what was known when the connection was lost.
        </p>
      </footer>`,
  });
}

function header({ me, waiting, here, csrf }: Frame): Html {
  const link = (part: Frame["here"], href: string, text: Html | string) =>
    html`<li><a href="${href}" ${part === here ? html` aria-current="page"` : nothing}>${text}</a></li>`;
  const count = waiting === "0" ? nothing : html` <span class="count" aria-label="${waiting} waiting for you">${waiting}</span>`;
  return html`<header class="site">
    <a class="mark" href="/"><img src="/assets/mark.svg" width="22" height="22" alt="" /> Countersign</a>
    <nav aria-label="Main" id="menu" data-part>
      <ul>
        ${link("models", paths.models(), "Models")} ${link("releases", paths.releases(), "Releases")}
        ${link("inbox", paths.inbox(), html`Inbox${count}`)} ${link("policies", paths.policies(), "Policies")}
        ${link("audit", paths.audit(), "Audit")} ${link("messages", paths.messages(), "Messages")}
        ${link("people", paths.people(), "People")}
      </ul>
    </nav>
    <form class="me" method="post" action="/sign-out">
      <input type="hidden" name="csrf" value="${csrf}" /><a href="${paths.me()}" title="${me.groups.join(", ")}"
        >${me.displayName}</a
      >
      <button class="plain" type="submit">Sign out</button>
    </form>
  </header>`;
}

export function crumbs(trail: { href: string; text: string }[], present: string): Html {
  return html`<nav class="crumbs" aria-label="Where you are">
    <ol>
      ${trail.map(({ href, text }) => html`<li><a href="${href}">${text}</a></li>`)}
      <li aria-current="page">${present}</li>
    </ol>
  </nav>`;
}
