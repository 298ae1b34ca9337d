import { z } from "zod";
import { viewBlock } from "./blocks.ts";
import { plainText } from "./text.ts";

const everyView = {
  private_metadata: z.string().max(3_000).optional(),
  callback_id: z.string().max(255).optional(),
  external_id: z.string().max(255).optional(),
  blocks: z.array(viewBlock).max(100),
};

export const modalView = z.strictObject({
  type: z.literal("modal"),
  title: plainText(24),
  submit: plainText(24).optional(),
  close: plainText(24).optional(),
  clear_on_close: z.boolean().optional(),
  notify_on_close: z.boolean().optional(),
  submit_disabled: z.boolean().optional(),
  ...everyView,
});

export const homeView = z.strictObject({ type: z.literal("home"), ...everyView });

export type ModalView = z.output<typeof modalView>;
export type HomeView = z.output<typeof homeView>;
export type AnyView = ModalView | HomeView;

/** A view may be a quarter of a megabyte (`view_too_large`). */
export const maxViewBytes = 250_000;
