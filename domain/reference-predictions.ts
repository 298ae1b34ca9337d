import { z } from "zod";

/** Some thousand rows of some hundred features. */
export const mostReferenceBytes = 16 * 2 ** 20;
const mostRows = 10_000;

/** The file that `train.reference` names: what a model answered where it was trained. */
export const referenceSchema = z.strictObject({
  /** One object a row: each feature by name; null is missing. */
  inputs: z
    .array(z.record(z.string(), z.union([z.number(), z.string(), z.null()])))
    .min(1)
    .max(mostRows),
  /** Of each row the positive's probability, the value, or one probability a class in their order. */
  outputs: z.array(z.union([z.number(), z.array(z.number())])),
});

export type ReferencePredictions = z.output<typeof referenceSchema>;
