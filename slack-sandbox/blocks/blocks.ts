import { z } from "zod";
import { accessory, actionsElement, imageElement, imageSource, inputElement, oneSource } from "./elements.ts";
import { richTextBlock } from "./rich-text.ts";
import { anyText, identifier, plainText } from "./text.ts";

/** The blocks that the sandbox knows: all of the classic ones, rich text, Markdown and tables. */
const named = { block_id: identifier.optional() };

const section = z
  .strictObject({
    type: z.literal("section"),
    text: anyText(3_000).optional(),
    fields: z.array(anyText(2_000)).min(1).max(10).optional(),
    accessory: accessory.optional(),
    expand: z.boolean().optional(),
    ...named,
  })
  .refine((block) => block.text !== undefined || block.fields !== undefined, {
    message: "must define either `text` or `fields`",
  });

const divider = z.strictObject({ type: z.literal("divider"), ...named });
const header = z.strictObject({ type: z.literal("header"), text: plainText(150), ...named });

const context = z.strictObject({
  type: z.literal("context"),
  elements: z
    .array(z.discriminatedUnion("type", [imageElement, ...anyText(3_000).options]))
    .min(1)
    .max(10),
  ...named,
});

const actions = z.strictObject({
  type: z.literal("actions"),
  elements: z.array(actionsElement).min(1).max(25),
  ...named,
});

const image = z
  .strictObject({
    type: z.literal("image"),
    alt_text: z.string().min(1).max(2_000),
    title: plainText(2_000).optional(),
    ...imageSource,
    ...named,
  })
  .superRefine(oneSource);

const input = z.strictObject({
  type: z.literal("input"),
  label: plainText(2_000),
  hint: plainText(2_000).optional(),
  optional: z.boolean().optional(),
  dispatch_action: z.boolean().optional(),
  element: inputElement,
  ...named,
});

const markdown = z.strictObject({ type: z.literal("markdown"), text: z.string().min(1).max(12_000), ...named });

const cell = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("raw_text"), text: z.string().min(1) }),
  z.strictObject({ type: z.literal("raw_number"), value: z.number(), text: z.string().min(1) }),
  richTextBlock,
]);

const table = z.strictObject({
  type: z.literal("table"),
  rows: z.array(z.array(cell).min(1).max(20)).min(1).max(100),
  column_settings: z
    .array(
      z.strictObject({ align: z.enum(["left", "center", "right"]).optional(), is_wrapped: z.boolean().optional() }).nullable(),
    )
    .max(20)
    .optional(),
  ...named,
});

const everywhere = [section, divider, header, context, actions, image, input, richTextBlock] as const;

export const messageBlock = z.discriminatedUnion("type", [...everywhere, markdown, table]);
export const viewBlock = z.discriminatedUnion("type", everywhere);

export type Block = z.output<typeof messageBlock>;
export type InputBlock = z.output<typeof input>;
export type Surface = "message" | "modal" | "home";

/** Slack's published count of blocks. */
export const maxBlocks: Record<Surface, number> = { message: 50, modal: 100, home: 100 };
