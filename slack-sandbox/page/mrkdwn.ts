import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { SandboxChannel, SandboxUser } from "../workspace/model.ts";
import { slackDate } from "./dates.ts";
import { withEmoji } from "./emoji.ts";

/** Markup whose interpolations were escaped by `html`. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export const nothing: Html = raw("");

/** Who reads, where and when. */
export interface Reader {
  user: SandboxUser;
  zone: string;
  now: number;
  findUser: (id: string) => SandboxUser | undefined;
  findChannel: (id: string) => SandboxChannel | undefined;
}

const escaped = (text: string) =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");

/** The three entities that Slack knows; every other ampersand is one. */
const decoded = (text: string) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** A text of plain type: shown as it is, with emoji. */
export function plain(text: string): Html {
  return html`${withEmoji(text)}`;
}

// Characters of the private use area stand for what must not be formatted; nobody types them.
const open = "\uE000";
const close = "\uE001";

/** Slack's markup as HTML: mentions, links and dates first, then code, then marks within lines. */
export function mrkdwn(text: string, reader: Reader): Html {
  const kept: string[] = [];
  const keep = (markup: string) => `${open}${kept.push(markup) - 1}${close}`;
  const safe = text
    .replaceAll(open, "")
    .replaceAll(close, "")
    .replace(/<([^<>\n]+)>/g, (_whole, inside: string) => keep(token(inside, reader)))
    .replace(/```([\s\S]+?)```/g, (_whole, code: string) => keep(`<pre>${escaped(decoded(code)).trim()}</pre>`))
    .replace(/`([^`\n]+)`/g, (_whole, code: string) => keep(`<code>${escaped(decoded(code))}</code>`));
  const lines = quoted(
    escaped(withEmoji(decoded(safe)))
      .split("\n")
      .map(marked),
  );
  // What was kept may hold what was kept before it: a link within code.
  let out = lines;
  for (let depth = 0; depth < 3; depth += 1)
    out = out.replace(new RegExp(`${open}(\\d+)${close}`, "g"), (_whole, index: string) => kept[Number(index)] ?? "");
  return raw(out);
}

function marked(line: string): string {
  return line
    .replace(/(^|[\s([{"'.,:;-])\*([^*\n]+)\*(?=$|[\s)\]}"'.,:;!?-])/g, "$1<strong>$2</strong>")
    .replace(/(^|[\s([{"'.,:;-])_([^_\n]+)_(?=$|[\s)\]}"'.,:;!?-])/g, "$1<em>$2</em>")
    .replace(/(^|[\s([{"'.,:;-])~([^~\n]+)~(?=$|[\s)\]}"'.,:;!?-])/g, "$1<s>$2</s>");
}

/** Lines that begin with `>` in one quotation. */
function quoted(lines: string[]): string {
  const out: string[] = [];
  let quote: string[] = [];
  const flush = () => {
    if (quote.length > 0) out.push(`<blockquote>${quote.join("<br>")}</blockquote>`);
    quote = [];
  };
  for (const line of lines) {
    const inside = /^&gt; ?(.*)$/.exec(line)?.[1];
    if (inside === undefined) {
      flush();
      out.push(line);
    } else quote.push(inside);
  }
  flush();
  return out.join("<br>").replaceAll("</blockquote><br>", "</blockquote>");
}

/** What stands between angle brackets. */
function token(inside: string, reader: Reader): string {
  const [, target = "", label] = /^([^|]*)(?:\|(.*))?$/.exec(inside) ?? [];
  if (target.startsWith("@")) return mention(`@${reader.findUser(target.slice(1))?.display_name ?? label ?? target.slice(1)}`);
  if (target.startsWith("#")) return mention(`#${reader.findChannel(target.slice(1))?.name ?? label ?? target.slice(1)}`);
  const date = /^!date\^(\d+)\^([^^]+)(?:\^(.+))?$/.exec(target);
  if (date !== null)
    return dated({ seconds: Number(date[1]), text: date[2] ?? "", link: date[3], fallback: label ?? "" }, reader);
  if (target.startsWith("!")) return mention(`@${label ?? target.slice(1)}`);
  if (/^(https?|mailto|slack):/.test(target)) return anchor(decoded(target), decoded(label ?? target));
  return escaped(`<${decoded(inside)}>`);
}

const mention = (text: string) => `<span class="mention">${escaped(text)}</span>`;
const anchor = (href: string, text: string) =>
  `<a href="${escaped(href)}" target="_blank" rel="noreferrer">${escaped(withEmoji(text))}</a>`;

function dated(date: { seconds: number; text: string; link: string | undefined; fallback: string }, reader: Reader): string {
  const said = slackDate(decoded(date.text), { seconds: date.seconds, zone: reader.zone, now: reader.now });
  const time = new Date(date.seconds * 1_000).toISOString();
  const shown = `<time datetime="${time}" title="${escaped(decoded(date.fallback))}">${escaped(said)}</time>`;
  return date.link === undefined
    ? shown
    : `<a href="${escaped(decoded(date.link))}" target="_blank" rel="noreferrer">${shown}</a>`;
}
