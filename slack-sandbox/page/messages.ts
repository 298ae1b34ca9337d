import { html } from "hono/html";
import type { SandboxMessage } from "../workspace/model.ts";
import { markKey, type Workspace } from "../workspace/workspace.ts";
import { renderBlocks, type Drawing } from "./blocks.ts";
import { clockOf, dayOf } from "./dates.ts";
import { mrkdwn, nothing, plain, type Html } from "./mrkdwn.ts";
import { authorName, channelMessages, isApp, threadMessages, type Visit } from "./visit.ts";

/** A page shows that many; a sandbox has no need to scroll back further. */
const maxShown = 200;

export function drawingOf(workspace: Workspace, visit: Visit, { prefix, place }: { prefix: string; place: string }): Drawing {
  return {
    reader: visit.reader,
    mark: workspace.marks.get(markKey(visit.user.id, place)) ?? null,
    errors: {},
    prefix,
  };
}

/** A channel with its messages and the place to write. */
export function renderChannel(workspace: Workspace, visit: Visit): Html {
  const { channel } = visit;
  if (channel === null) return nothing;
  const messages = channelMessages(workspace, { channel, user: visit.user }).slice(-maxShown);
  const name = channel.im === null ? `#${channel.name}` : "Countersign";
  let day = "";
  const lines = messages.map((message) => {
    const today = dayOf(message.ts, visit.reader.zone);
    const line = today === day ? nothing : html`<div class="day"><span>${today}</span></div>`;
    day = today;
    return html`${line}${renderMessage(workspace, message, { visit, inThread: false })}`;
  });
  return html`<header class="bar">
      <h1>${name}</h1>
      <p>${channel.topic}${channel.is_archived ? " · archived" : ""}</p>
    </header>
    <div class="messages" role="log" aria-label="Messages in ${name}" tabindex="0">
      ${messages.length === 0 ? html`<p class="empty">No messages yet.</p>` : lines}
    </div>`;
}

/** The thread of a message, beside the channel. */
export function renderThread(workspace: Workspace, visit: Visit): Html {
  const { thread } = visit;
  if (thread === null) return nothing;
  return html`<header class="bar">
      <h2>Thread</h2>
      <button type="button" class="quiet" data-go-thread="" aria-label="Close thread">✕</button>
    </header>
    <div class="messages" role="log" aria-label="Thread">
      ${threadMessages(workspace, { root: thread, user: visit.user }).map((message) => renderMessage(workspace, message, { visit, inThread: true }))}
    </div>`;
}

function renderMessage(
  workspace: Workspace,
  message: SandboxMessage,
  { visit, inThread }: { visit: Visit; inThread: boolean },
): Html {
  const name = authorName(workspace, message.user);
  const time = clockOf(message.ts, visit.reader.zone);
  const place = `${message.channel} ${message.ts}`;
  const drawing = drawingOf(workspace, visit, { prefix: `m${message.ts.replace(".", "-")}${inThread ? "t" : ""}`, place });
  const isPrivate = message.ephemeral_for !== null;
  const label = `${isPrivate ? "Only visible to you: " : ""}${name} at ${time}`;
  return html`<article
    class="message ${isPrivate ? "private" : ""}"
    aria-label="${label}"
    data-surface="message"
    data-channel="${message.channel}"
    data-ts="${message.ts}"
  >
    <div class="avatar ${isApp(message.user) ? "app" : ""}" aria-hidden="true">${name.slice(0, 1)}</div>
    <div class="grow">
      ${isPrivate ? html`<div class="only">Only visible to you</div>` : nothing}
      <div class="author">
        <strong>${name}</strong>${isApp(message.user) ? html` <span class="tag">APP</span>` : nothing}
        <time>${time}</time>
      </div>
      ${content(workspace, message, drawing)}
      ${message.edited === null || message.tombstone ? nothing : html`<small class="edited">(edited)</small>`}
      ${reactions(message)}
      ${
        inThread || message.reply_count === 0
          ? nothing
          : html`<button type="button" class="replies" data-go-thread="${message.ts}">${replies(message.reply_count)}</button>`
      }
      ${
        inThread || isPrivate || message.reply_count > 0 || message.tombstone
          ? nothing
          : html`<button type="button" class="quiet reply" data-go-thread="${message.ts}">Reply in thread</button>`
      }
    </div>
  </article>`;
}

const replies = (count: number) => (count === 1 ? "1 reply" : `${count} replies`);

/** Blocks say it all; the text is for notifications, unless there are none. */
function content(workspace: Workspace, message: SandboxMessage, drawing: Drawing): Html {
  if (message.tombstone) return html`<em>${message.text}</em>`;
  const text =
    message.blocks === null
      ? html`<div class="text">${mrkdwn(message.text, drawing.reader)}</div>`
      : renderBlocks(message.blocks, drawing);
  const files = message.files.flatMap((id) => workspace.file(id) ?? []);
  return html`${text}${files.map(
    (file) =>
      html`<figure class="block">
        <figcaption>${file.title}</figcaption>
        <img class="wide" src="/files/${file.id}/${file.name}" alt="${file.alt_text === "" ? file.title : file.alt_text}" />
      </figure>`,
  )}`;
}

function reactions({ reactions: all }: SandboxMessage): Html {
  if (all.length === 0) return nothing;
  return html`<div class="reactions">
    ${all.map(({ name, users }) => html`<span>${plain(`:${name}:`)} ${users.length}</span>`)}
  </div>`;
}
