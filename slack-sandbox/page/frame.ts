import { html, raw } from "hono/html";
import { nothing, type Html } from "./mrkdwn.ts";

interface Regions {
  composer: { label: string; channel: string } | null;
  main: string;
  rail: string;
  thread: string;
  modal: string;
  modalKey: string;
}

const hidden = (isHidden: boolean) => (isHidden ? html`hidden` : nothing);

function composer(id: string, { label, channel }: { label: string; channel: string }): Html {
  return html`<form class="composer" id="${id}" data-channel="${channel}">
    <input type="text" name="text" autocomplete="off" aria-label="${label}" placeholder="${label}" />
    <button type="submit" class="button">Send</button>
  </form>`;
}

/** The whole document; its parts were drawn and escaped before. */
export function renderFrame(regions: Regions): Html {
  const { composer: writing } = regions;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Slack sandbox</title>
        <link rel="stylesheet" href="/client/assets/client.css" />
        <script src="/client/assets/client.js" type="module"></script>
      </head>
      <body>
        <div class="shell">
          <aside id="rail" aria-label="Workspace">${raw(regions.rail)}</aside>
          <main>
            <div id="main">${raw(regions.main)}</div>
            <div ${hidden(writing === null)} id="writing">
              ${composer("composer", writing ?? { label: "Message", channel: "" })}
              <p class="small">Type <code>/countersign help</code> for the command.</p>
            </div>
          </main>
          <aside id="side" aria-label="Thread" ${hidden(regions.thread === "")}>
            <div id="thread">${raw(regions.thread)}</div>
            ${composer("reply", { label: "Reply in thread", channel: writing?.channel ?? "" })}
          </aside>
        </div>
        <div id="modal" data-key="${regions.modalKey}">${raw(regions.modal)}</div>
        <div id="notice" role="status"></div>
      </body>
    </html>`;
}
