import { z } from "zod";

/** Rich text, as Slack's own composer writes it and as an app may send it. */
const marks = {
  style: z
    .strictObject({
      bold: z.boolean().optional(),
      italic: z.boolean().optional(),
      strike: z.boolean().optional(),
      underline: z.boolean().optional(),
      code: z.boolean().optional(),
    })
    .optional(),
};

const inline = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text: z.string().min(1), ...marks }),
  z.strictObject({
    type: z.literal("link"),
    url: z.url(),
    text: z.string().optional(),
    unsafe: z.boolean().optional(),
    ...marks,
  }),
  z.strictObject({ type: z.literal("user"), user_id: z.string(), ...marks }),
  z.strictObject({ type: z.literal("channel"), channel_id: z.string(), ...marks }),
  z.strictObject({ type: z.literal("emoji"), name: z.string(), unicode: z.string().optional(), ...marks }),
  z.strictObject({
    type: z.literal("date"),
    timestamp: z.int(),
    format: z.string(),
    url: z.url().optional(),
    fallback: z.string().optional(),
    ...marks,
  }),
  z.strictObject({ type: z.literal("broadcast"), range: z.enum(["here", "channel", "everyone"]), ...marks }),
]);

const section = z.strictObject({ type: z.literal("rich_text_section"), elements: z.array(inline) });
const border = { border: z.int().min(0).max(1).optional() };

export const richTextBlock = z.strictObject({
  type: z.literal("rich_text"),
  block_id: z.string().min(1).max(255).optional(),
  elements: z
    .array(
      z.discriminatedUnion("type", [
        section,
        z.strictObject({
          type: z.literal("rich_text_list"),
          elements: z.array(section),
          style: z.enum(["bullet", "ordered"]),
          indent: z.int().min(0).max(8).optional(),
          offset: z.int().min(0).optional(),
          ...border,
        }),
        z.strictObject({ type: z.literal("rich_text_quote"), elements: z.array(inline), ...border }),
        z.strictObject({
          type: z.literal("rich_text_preformatted"),
          elements: z.array(inline),
          language: z.string().optional(),
          ...border,
        }),
      ]),
    )
    .min(1),
});

export type RichTextInline = z.output<typeof inline>;
export type RichTextBlock = z.output<typeof richTextBlock>;
