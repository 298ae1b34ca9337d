import { randomBytes } from "node:crypto";
import type { Block } from "../blocks/blocks.ts";

/** Blocks as Slack gives them back: every block has an id, every element an action id, every text its flags. */
export function filledBlocks(blocks: Block[]): Block[] {
  return blocks.map((block) => fill({ block_id: shortId(), ...block }));
}

// The kinds of blocks have elements and texts in different places; what is added is optional in each of them.
function fill<Part>(part: Part): Part {
  if (Array.isArray(part)) return part.map(fill) as Part;
  if (typeof part !== "object" || part === null) return part;
  const own: Record<string, unknown> = Object.fromEntries(
    Object.entries(part).map(([name, value]: [string, unknown]) => [name, fill(value)]),
  );
  const type = own["type"];
  if (type === "plain_text") return { emoji: true, ...own } as Part;
  if (type === "mrkdwn") return { verbatim: false, ...own } as Part;
  if (typeof type === "string" && isInteractive(type)) return { action_id: shortId(), ...own } as Part;
  return own as Part;
}

function isInteractive(type: string): boolean {
  return /^(button|checkboxes|radio_buttons|static_select|datepicker)$|_input$/.test(type);
}

function shortId(): string {
  return randomBytes(4).toString("base64url").slice(0, 5);
}
