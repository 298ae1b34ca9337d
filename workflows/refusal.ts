import { workflowInfo } from "@temporalio/workflow";
import { record } from "./records.ts";

/** Of what a message claimed, so much is kept. */
const claimedLength = 500;

/** Puts a message to this workflow on record that counts nothing: without a token, of no form, or untrue. */
export async function refuseMessage(refused: { message: string; claimed: unknown; why: string }): Promise<void> {
  const { claimed } = refused;
  const text = typeof claimed === "string" ? claimed : JSON.stringify(claimed ?? null);
  await record("Puts a refused message on record").refuseMessage({
    ...refused,
    workflow: workflowInfo().workflowId,
    claimed: text.slice(0, claimedLength),
  });
}
