import { html } from "hono/html";
import { topView } from "../workspace/views.ts";
import type { SandboxView } from "../workspace/model.ts";
import type { Workspace } from "../workspace/workspace.ts";
import { renderBlocks } from "./blocks.ts";
import { drawingOf } from "./messages.ts";
import { nothing, plain, type Html } from "./mrkdwn.ts";
import type { Visit } from "./visit.ts";

/** The modal on top, and a key that changes whenever it must be drawn anew. */
export function renderModal(workspace: Workspace, visit: Visit): { key: string; markup: Html } {
  const open = topView(workspace, visit.user.id);
  if (open === null || open.view.type !== "modal") return { key: "", markup: nothing };
  const { view } = open;
  const mark = workspace.marks.get(`${visit.user.id} ${open.id}`)?.state ?? "";
  return {
    key: JSON.stringify([open.id, open.hash, mark, open.errors, open.trouble]),
    markup: html`<form
      class="modal"
      role="dialog"
      aria-modal="true"
      aria-label="${view.title.text}"
      data-surface="view"
      data-view="${open.id}"
      novalidate
    >
      <header>
        <h2>${plain(view.title.text)}</h2>
        <button type="button" class="quiet" data-close-view aria-label="Close">✕</button>
      </header>
      <div class="body">
        ${open.trouble ? html`<div class="trouble" role="alert">⚠ We had some trouble connecting. Try again?</div>` : nothing}
        ${renderBlocks(view.blocks, { ...drawingOf(workspace, visit, { prefix: open.id, place: open.id }), errors: open.errors })}
      </div>
      <footer>
        <button type="button" class="button" data-close-view>${plain(view.close?.text ?? "Cancel")}</button>
        ${view.submit === undefined ? nothing : html`<button type="submit" class="button primary">${plain(view.submit.text)}</button>`}
      </footer>
    </form>`,
  };
}

/** The app's home tab. */
export function renderHome(workspace: Workspace, visit: Visit): Html {
  const home: SandboxView | undefined = workspace.state.homes.find((view) => view.user === visit.user.id);
  return html`<header class="bar">
      <h1>Countersign</h1>
      <p>Home</p>
    </header>
    <div class="messages home" role="region" aria-label="Home tab" data-surface="home" tabindex="0">
      ${
        home === undefined
          ? html`<p class="empty">The app has published nothing here yet.</p>`
          : renderBlocks(home.view.blocks, drawingOf(workspace, visit, { prefix: home.id, place: home.id }))
      }
    </div>`;
}
