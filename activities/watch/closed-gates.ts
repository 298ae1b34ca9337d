import { workflowIds } from "../../domain/ids.ts";
import type { Searched } from "./dead-requests.ts";
import { filterByAsking, hint, mostLookedAt, runStatus } from "./run-status.ts";

/** A younger one may be about to end by itself: the closing takes two seconds at most. */
const youngMs = 3_000;
/** What closed longer ago was looked at many times. */
const lookedAtForMs = 2 * 24 * 3_600_000;

/**
 * A gate's row is closed a moment before its workflow's history says so. Where worker and server both died in
 * that moment, the workflow still waits for what the database has answered: it is told to look.
 */
export async function tellClosedGates({ db, client }: Pick<Searched, "db" | "client">): Promise<string[]> {
  const now = Date.now();
  const rows = await db
    .selectFrom("gates")
    .select("id")
    .where("state", "=", "closed")
    .where("closed_at", "<", new Date(now - youngMs))
    .where("closed_at", ">", new Date(now - lookedAtForMs))
    .orderBy((eb) => eb.fn("random"))
    .limit(mostLookedAt)
    .execute();
  const waiting = await filterByAsking(rows, async ({ id }) => (await runStatus(client, workflowIds.gate(id))) === "running");
  for (const { id } of waiting) await hint(client, workflowIds.gate(id), { signal: "look", args: [] });
  return waiting.map(({ id }) => id);
}
