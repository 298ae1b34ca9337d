import { z } from "zod";
import { decisionWithdrawnSchema, receiptSchema } from "../http/gate-views.ts";
import { decisionRequestSchema, reasonRequestSchema } from "../http/requests.ts";
import { defineEntry } from "./entry.ts";

const tag = "gates";

export const decideEntry = defineEntry({
  method: "post",
  path: "/api/gates/{id}/decisions",
  tag,
  summary: "Decide",
  description: "Every attempt gets a receipt and is recorded. A refusal is a problem that holds the receipt's members.",
  scope: "decide",
  role: null,
  request: decisionRequestSchema,
  value: receiptSchema,
  answers: { 200: "`accepted`, or `duplicate`: it is on record already." },
  refusals: ["not-found", "not-allowed", "self", "superseded", "already-decided", "expired", "stale", "already-voted"],
});

export const withdrawDecisionEntry = defineEntry({
  method: "post",
  path: "/api/gates/{id}/withdrawals",
  tag,
  summary: "Take back one's own decision, while the gate is open",
  scope: "decide",
  role: null,
  request: reasonRequestSchema,
  value: decisionWithdrawnSchema,
  answers: { 200: "Taken back; one may decide again." },
  refusals: ["not-found", "nothing-to-withdraw", "already-decided"],
});

export const closeFindingEntry = defineEntry({
  method: "post",
  path: "/api/models/{model}/findings/{id}/close",
  tag,
  summary: "Close a finding",
  description: "One on which an approval depends is closed by those who decide on such approvals; others by the owner team.",
  scope: "operate",
  role: "close-finding",
  request: reasonRequestSchema,
  value: z.object({ finding: z.string() }),
  answers: { 200: "Closed." },
  refusals: ["not-found", "already-decided"],
  cli: {
    name: "close-finding",
    description: "answer a finding; one on which an approval depends is closed by those who may decide on such approvals",
    reason: "what was done about it; kept on record",
    done: (_, { finding }) => `Closed: ${finding}.`,
  },
});
