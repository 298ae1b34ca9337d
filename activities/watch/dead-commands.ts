import { sql } from "kysely";
import { workflowIds } from "../../domain/ids.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction } from "../record/transaction.ts";
import { diedInSilence, type Searched } from "./dead-requests.ts";
import { filterByAsking, mostLookedAt, runStatus } from "./run-status.ts";

type Kind = "propose-policy" | "reproduce";

/**
 * A proposal and a reproduction have a workflow of their own, which is started once a command. One that ended before
 * it put anything on record will never do it: whoever waits gets that answer, and nothing was done.
 */
export async function answerDeadCommands(deps: RecordDeps, { db, client, olderThan }: Searched): Promise<string[]> {
  const { rows } = await sql<{ id: string; kind: Kind; principal: string }>`
    select c.id, c.signed -> 'body' ->> 'kind' as kind, c.principal_id as principal from commands c
    where c.state <> 'done' and c.created_at < ${olderThan}
      and c.signed -> 'body' ->> 'kind' in ('propose-policy', 'reproduce')
      and not exists (select 1 from command_results r where r.command_id = c.id)
    order by random() limit ${mostLookedAt}`.execute(db);
  const dead = await filterByAsking(rows, async (row) => (await runStatus(client, workflowOf(row))) === "over");
  for (const row of dead)
    await inTransaction(deps.db, async ({ trx, note }) => {
      const workflow = workflowOf(row);
      const message = `${diedInSilence(workflow)} Nothing was done; ask again.`;
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto("command_results")
        .values({ command_id: row.id, kind: row.kind, ok: false, code: "expired", result: JSON.stringify({ message }) })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows !== 1n) return;
      note({
        kind: "workflow.died",
        actor: "unknown",
        model: null,
        subject: row.id,
        data: { workflow, kind: row.kind, askedBy: row.principal },
      });
    });
  return dead.map(({ id }) => id);
}

function workflowOf({ id, kind }: { id: string; kind: Kind }): string {
  return kind === "propose-policy" ? workflowIds.proposal(id) : workflowIds.reproduction(id);
}
