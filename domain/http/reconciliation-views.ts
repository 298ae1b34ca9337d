import { z } from "zod";

export const reconciliationSchema = z
  .object({
    complete: z.boolean().describe("false: there was more in Temporal than is looked at in one go"),
    looked: z.object({ workflows: z.int(), rows: z.int() }),
    findings: z
      .array(
        z.object({
          knows: z
            .enum(["temporal", "database", "artifacts"])
            .describe("which of them knows of it; the database, or Temporal, does not"),
          subject: z.string().describe("a gate, a release, a model, or `audit`"),
          what: z.string(),
          cure: z.string(),
        }),
      )
      .describe("what one of PostgreSQL and Temporal knows and the other does not"),
  })
  .meta({ id: "Reconciliation" });
export type ReconciliationView = z.output<typeof reconciliationSchema>;
