import type { types } from "@slack/bolt";
import { clip, limits } from "./text.ts";

export type Block = types.KnownBlock;
export type Button = types.Button;
export type View = types.View;

/** A section of mrkdwn. `verbatim`: Slack looks for no names, channels or addresses in it by itself. */
export function section(text: string): types.SectionBlock {
  return { type: "section", text: { type: "mrkdwn", text: clip(text, limits.sectionChars), verbatim: true } };
}

export function context(text: string): types.ContextBlock {
  return { type: "context", elements: [{ type: "mrkdwn", text: clip(text, limits.sectionChars), verbatim: true }] };
}

export function header(text: string): types.HeaderBlock {
  return { type: "header", text: { type: "plain_text", text: clip(text, limits.headerChars), emoji: false } };
}

export const divider: types.DividerBlock = { type: "divider" };

export function button(text: string, action: { id: string; value?: object; style?: "primary" | "danger"; url?: string }): Button {
  const { id, value, style, url } = action;
  return {
    type: "button",
    action_id: id,
    text: { type: "plain_text", text: clip(text, limits.buttonChars), emoji: false },
    ...(value !== undefined && { value: JSON.stringify(value) }),
    ...(style !== undefined && { style }),
    ...(url !== undefined && { url }),
  };
}

export function actions(blockId: string, elements: Button[]): types.ActionsBlock {
  return { type: "actions", block_id: blockId, elements };
}

/** A message in the chat: blocks, and the text that notifications and readers without blocks show. */
export interface Message {
  text: string;
  blocks: Block[];
}
