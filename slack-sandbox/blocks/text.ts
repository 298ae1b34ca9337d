import { z } from "zod";

/**
 * Composition objects of Block Kit. Limits are Slack's published ones (docs.slack.dev/reference/block-kit
 * and the comments of @slack/types 3.2); unknown fields are refused, as Slack does.
 */
export const plainText = (max: number) =>
  z.strictObject({
    type: z.literal("plain_text"),
    text: z.string().min(1).max(max),
    emoji: z.boolean().optional(),
  });

export const mrkdwn = (max: number) =>
  z.strictObject({
    type: z.literal("mrkdwn"),
    text: z.string().min(1).max(max),
    verbatim: z.boolean().optional(),
  });

export const anyText = (max: number) => z.discriminatedUnion("type", [plainText(max), mrkdwn(max)]);

export const identifier = z.string().min(1).max(255);
export const placeholder = plainText(150);
const colour = z.enum(["primary", "danger"]);
/** What a browser may open. Slack refuses what is no absolute address. */
export const link = z.url({ protocol: /^(https?|slack|mailto)$/ }).max(3_000);

export const confirmation = z.strictObject({
  title: plainText(100).optional(),
  text: anyText(300),
  confirm: plainText(30).optional(),
  deny: plainText(30).optional(),
  style: colour.optional(),
});

const optionValue = z.string().min(1).max(75);

/** An option of menus: plain text alone. */
export const plainOption = z.strictObject({
  text: plainText(75),
  value: optionValue,
  description: plainText(75).optional(),
  url: link.optional(),
});

/** An option of checkboxes and radio buttons may hold markup. */
export const richOption = z.strictObject({
  text: anyText(75),
  value: optionValue,
  description: anyText(75).optional(),
});

export const optionGroup = z.strictObject({
  label: plainText(75),
  options: z.array(plainOption).min(1).max(100),
});

export const style = colour;

export type TextObject = z.output<ReturnType<typeof anyText>>;
export type Option = z.output<typeof richOption>;
export type Confirmation = z.output<typeof confirmation>;
