import { z } from "zod";

/**
 * The part of a data contract that documents: it is accepted at every level, kept, and checked against
 * nothing.
 */
export const documentation = {
  id: z.unknown().optional(),
  description: z.unknown().optional(),
  businessName: z.unknown().optional(),
  tags: z.unknown().optional(),
  customProperties: z.unknown().optional(),
  authoritativeDefinitions: z.unknown().optional(),
  physicalType: z.string().optional(),
};
