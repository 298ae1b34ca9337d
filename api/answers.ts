import type { Answer } from "../control/answer.ts";
import { pendingSchema } from "../domain/http/gate-views.ts";

/** In the document of every command. */
export const pendingAnswer = { description: "Not known in time; `Location` says where to ask.", schema: pendingSchema };

/** A command's answer: the kept text as it is, so that a replay is the same byte for byte. */
export function sendAnswer(answer: Answer<unknown>, more: { location?: string } = {}): Response {
  const headers = new Headers({
    "content-type": answer.kind === "refused" ? "application/problem+json" : "application/json",
    "countersign-command": answer.command,
  });
  if (answer.replayed) headers.set("idempotent-replayed", "true");
  if (answer.kind === "pending") headers.set("location", `/api/commands/${answer.command}`);
  else if (answer.kind === "done" && more.location) headers.set("location", more.location);
  return new Response(answer.body, { status: answer.status, headers });
}
