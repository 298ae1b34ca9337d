import type { ReleaseState } from "../../domain/lifecycle.ts";

/**
 * Slack's text, made safe and within its limits by construction. What people wrote goes through
 * `plain` (or a plain_text object, in which nothing means anything); only this room writes markup.
 */

/** Slack's published limits, as far as this room comes near them. https://docs.slack.dev/reference/block-kit */
export const limits = {
  blocks: 50,
  sectionChars: 3_000,
  headerChars: 150,
  optionChars: 75,
  buttonChars: 75,
  valueChars: 2_000,
  metadataChars: 3_000,
  modalTitleChars: 24,
  homeBlocks: 100,
} as const;

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
/** Before a sign of markup it makes the sign a letter: Slack formats at the edges of words only. It has no width. */
const wordJoiner = "\u2060";
/** A line below inside a word is none of them, so that names stay as they are. */
const markup = /[*~`]|(?<!\w)_|_(?!\w)/g;
/** `:tada:` would become a picture. */
const emoji = /:(?=[a-z0-9_+'-]+:)/gi;

/**
 * Text of people for use within mrkdwn, on one line: `& < >` escaped, so that it can hold no mention,
 * link or date; `* _ ~` and backticks made letters. At most `most` characters of what Slack counts.
 */
export function plain(text: string, most = 300): string {
  const letters = text.replaceAll(/\s+/g, " ").trim().replaceAll(markup, `${wordJoiner}$&`).replaceAll(emoji, `:${wordJoiner}`);
  return cut(letters, most, (letter) => entities[letter] ?? letter);
}

/** The end of a text in a preformatted block: only what could end the block, or mean something, is taken away. */
export function preformatted(text: string, most = 1_500): string {
  let result = "";
  for (const letter of letters(text.trim()).toReversed()) {
    const next = letter === "`" ? "ˋ" : (entities[letter] ?? letter);
    if (result.length + next.length > most) break;
    result = next + result;
  }
  return `\`\`\`${result}\`\`\``;
}

/** Cut at a whole character, with `…`. */
export function clip(text: string, most: number): string {
  return cut(text, most, (letter) => letter);
}

function cut(text: string, most: number, written: (letter: string) => string): string {
  const all = letters(text);
  let result = "";
  for (const [index, letter] of all.entries()) {
    const next = written(letter);
    const isLast = index === all.length - 1;
    if (result.length + next.length > most - (isLast ? 0 : 1)) return `${result}…`;
    result += next;
  }
  return result;
}

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** What a reader takes for one character, such as a flag, stays whole. */
function letters(text: string): string[] {
  return Array.from(segmenter.segment(text), (one) => one.segment);
}

/** `runs: train`, `waits at its gate`, `blocked at deploy`. */
export function releaseStateInWords({ state, stage }: { state: ReleaseState; stage: string | null }): string {
  const at = stage === null ? "" : ` at ${stage}`;
  switch (state) {
    case "queued":
      return "waits for its turn";
    case "running":
      return stage === null ? "runs" : `runs: ${stage}`;
    case "waiting":
      return "waits at its gate";
    case "blocked":
      return `is blocked${at}`;
    case "ended":
      return "has ended";
  }
}

/** A moment in the reader's own time zone; others see the fallback in UTC. */
export function moment(time: string): string {
  const seconds = Math.floor(Date.parse(time) / 1000);
  const fallback = `${time.slice(0, 16).replace("T", " ")} UTC`;
  return `<!date^${seconds}^{date_short_pretty} {time}|${fallback}>`;
}

/** A link whose address is ours. */
export function linkTo(url: string, text: string): string {
  return `<${url.replaceAll(/[<>|]/g, encodeURIComponent)}|${plain(text, 200)}>`;
}
