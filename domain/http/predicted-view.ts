import { z } from "zod";
import { inputWarningSchema } from "../input-warning.ts";

/** What serving answers: one prediction an instance, in their order. */
export const predictedSchema = z
  .object({
    version: z.string(),
    predictions: z.array(
      z.object({
        id: z.string(),
        label: z.string().nullable().describe("null for a regression"),
        probability: z.number().nullable().describe("of the positive class, or of the label; null for a regression"),
        probabilities: z.record(z.string(), z.number()).optional().describe("by class, of a model with several"),
        value: z.number().optional().describe("of a regression"),
        warnings: z
          .array(inputWarningSchema)
          .optional()
          .describe("features of this row that lie outside what the version was trained on; absent where none does"),
      }),
    ),
  })
  .meta({ id: "Predicted" });
