import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import { durationInWords } from "../domain/wording.ts";

/** Markup whose interpolations were escaped by `html`. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export const nothing: Html = raw("");

type Tone = "good" | "bad" | "wait" | "quiet";

const tones: Record<string, Tone> = {
  promoted: "good",
  approved: "good",
  done: "good",
  active: "good",
  pass: "good",
  kept: "good",
  accepted: "good",
  duplicate: "good",
  steady: "good",
  blocked: "bad",
  failed: "bad",
  rejected: "bad",
  abandoned: "bad",
  aborted: "bad",
  fail: "bad",
  expired: "bad",
  invalid: "bad",
  drift: "bad",
  running: "wait",
  waiting: "wait",
  open: "wait",
  opening: "wait",
  queued: "wait",
  warn: "wait",
  paused: "wait",
  "changes-requested": "wait",
};

export function toneOf(state: string): Tone {
  return tones[state] ?? "quiet";
}

/** A state as a coloured word; the colour says nothing that the word does not. */
export function badge(state: string, text = state): Html {
  return html`<span class="badge ${toneOf(state)}">${text.replaceAll("-", " ")}</span>`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `3 Mar 2026, 14:05 UTC`; the page's script turns it into the reader's own time. */
export function moment(time: string): Html {
  const at = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  const text = `${at.getUTCDate()} ${months[at.getUTCMonth()]} ${at.getUTCFullYear()}, ${two(at.getUTCHours())}:${two(at.getUTCMinutes())} UTC`;
  return html`<time datetime="${time}" data-local>${text}</time>`;
}

/** A span that is over, or one that counts on in the page. */
export function took(from: string | null, to: string | null): Html {
  if (from === null) return nothing;
  if (to === null) return html`<span class="took" data-since="${from}"></span>`;
  return html`<span class="took">${durationInWords(Date.parse(to) - Date.parse(from))}</span>`;
}

/** The first letters of a digest, all of it on demand. */
export function digest(value: string): Html {
  return html`<code class="digest" title="${value}">${value.replace("sha256:", "").slice(0, 12)}</code>`;
}

/** A list of words and what they mean, skipping what is absent. */
export function facts(rows: [string, Html | string | null][]): Html {
  return html`<dl class="facts">
    ${rows.map(([name, value]) =>
      value === null
        ? nothing
        : html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
    )}
  </dl>`;
}

export const paths = {
  models: () => "/",
  policies: () => "/policies",
  policy: (id: string) => `/policies/${encodeURIComponent(id)}`,
  model: (id: string) => `/models/${encodeURIComponent(id)}`,
  releases: () => "/releases",
  release: (id: string) => `/releases/${encodeURIComponent(id)}`,
  gate: (id: string) => `/gates/${encodeURIComponent(id)}`,
  version: (id: string) => `/versions/${encodeURIComponent(id)}`,
  inbox: () => "/inbox",
  audit: () => "/audit",
  messages: () => "/messages",
  people: () => "/people",
  me: () => "/me",
};

export function releaseLink(id: string): Html {
  return html`<a href="${paths.release(id)}">${id}</a>`;
}

/** Into the Temporal UI, where there is one. */
export function temporalLink(href: string, text: string): Html {
  return href === "" ? nothing : html`<a href="${href}" rel="noreferrer">${text}</a>`;
}

export function gateLink(id: string): Html {
  return html`<a href="${paths.gate(id)}">${id}</a>`;
}

/** The hidden fields of every form: proof that it came from a page of this session, and its idempotency key. */
export function guards({ csrf, key }: { csrf: string; key: string }): Html {
  return html`<input type="hidden" name="csrf" value="${csrf}" /><input type="hidden" name="key" value="${key}" />`;
}
