import { randomBytes } from "node:crypto";
import type { Client } from "@temporalio/client";
import type { ExternalRequest } from "../../domain/external-request.ts";

/** A gate of somebody else's workflow: a real one, without the training that a release's gate costs. */
export async function startExternalGate(client: Client, change: Partial<ExternalRequest> = {}): Promise<string> {
  const id = `ext.tests.${randomBytes(6).toString("hex")}`;
  const external: ExternalRequest = {
    policy: "medium-managed",
    rule: "approval",
    subject: { kind: "report", id: `report-${id.slice(-6)}`, digest: `sha256:${randomBytes(32).toString("hex")}` },
    ask: "May this go on?",
    why: "a test asks",
    contributors: [{ principal: "george", how: "wrote the report" }],
    ...change,
  };
  await client.workflow.start("gate", {
    workflowId: `gate/${id}`,
    taskQueue: "lifecycle",
    args: [{ gate: id, external }],
    staticSummary: "A gate of a test",
  });
  return id;
}
