import { z } from "zod";

/** What an answer says of its input: the column and what is strange about it, never the value. */
export const inputWarningSchema = z
  .object({
    column: z.string().describe("the feature"),
    kind: z
      .enum(["unseen", "out-of-range"])
      .describe("a text that training never had; a number below or above all that training had"),
  })
  .meta({ id: "InputWarning" });

export type InputWarning = z.output<typeof inputWarningSchema>;
