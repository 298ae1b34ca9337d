import { z } from "zod";
import { sourceSchema } from "../definition-schema.ts";

/** The `data` of a definition: which sources to look at. */
export const suggestionRequestSchema = z.strictObject({
  id: z.string().min(1).max(100).default("suggested").describe("the contract's id"),
  rows: z.string().min(1).max(63).describe("the source whose rows are the examples"),
  sources: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/), sourceSchema),
});

export const suggestionSchema = z.object({ contract: z.record(z.string(), z.unknown()) });
export type SuggestionView = z.output<typeof suggestionSchema>;
