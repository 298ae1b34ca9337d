import { WorkflowNotFoundError, type Client } from "@temporalio/client";

/** `absent`: Temporal knows no such workflow, or has forgotten it. */
export type RunStatus = "running" | "over" | "absent";

/** How the latest run under a workflow id stands. Throws when Temporal does not answer: silence of the server is no death. */
export async function runStatus(client: Client, workflowId: string): Promise<RunStatus> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === "RUNNING" ? "running" : "over";
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return "absent";
    throw error;
  }
}

/** Sends a hint; one whose receiver is gone is none. */
export async function hint(client: Client, workflowId: string, message: { signal: string; args: unknown[] }): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).signal(message.signal, ...message.args);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

/** Rows looked at in one round: some 5 ms a question, eight at once. Where there are more, each round draws its own. */
export const mostLookedAt = 1_000;

/**
 * So long one search asks; the next round draws its own. Well within the time of its activity: on a busy machine a
 * thousand questions took longer than that, and each try began while the one before it still asked.
 */
const askedForMs = 5_000;

/** As many questions to Temporal at once as do not crowd out the workers on the same server. */
const askedAtOnce = 8;

/** The items for which the question is answered by yes, asked a few at a time, as far as the time goes. */
export async function filterByAsking<Item>(items: readonly Item[], question: (item: Item) => Promise<boolean>): Promise<Item[]> {
  const found: Item[] = [];
  const end = Date.now() + askedForMs;
  for (let at = 0; at < items.length && Date.now() < end; at += askedAtOnce) {
    const batch = items.slice(at, at + askedAtOnce);
    const answers = await Promise.all(batch.map(question));
    found.push(...batch.filter((_, index) => answers[index]));
  }
  return found;
}
