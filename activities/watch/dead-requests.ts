import type { Client } from "@temporalio/client";
import type { Expression, ExpressionBuilder, SqlBool } from "kysely";
import type { Db } from "../../db/database.ts";
import type { Database, Row } from "../../db/schema.ts";
import { workflowIds } from "../../domain/ids.ts";
import { filterByAsking, mostLookedAt, runStatus } from "./run-status.ts";

type Which = (eb: ExpressionBuilder<Database, "gates">) => Expression<SqlBool>;

export interface Searched {
  db: Db;
  client: Client;
  /** Younger ones may stand for a workflow that is being started at this moment. */
  olderThan: Date;
  /** The one release or gate that somebody waits for; else all are looked at. */
  only?: string | undefined;
}

/** Requests that the database holds to be open and whose workflows do not run: nobody can decide on them. */
export async function deadRequests(
  { db, client, olderThan, only }: Searched,
  which: Which,
): Promise<Pick<Row<"gates">, "id" | "release_id" | "model">[]> {
  const rows = await db
    .selectFrom("gates")
    .select(["id", "release_id", "model"])
    .where("state", "<>", "closed")
    .where(which)
    .$if(only !== undefined, (query) => query.where("id", "=", only ?? ""))
    .where((eb) => eb(eb.fn.coalesce("opened_at", "created_at"), "<", olderThan))
    .orderBy((eb) => eb.fn("random"))
    .limit(mostLookedAt)
    .execute();
  return filterByAsking(rows, async ({ id }) => (await runStatus(client, workflowIds.gate(id))) !== "running");
}

export function diedInSilence(workflow: string): string {
  return `Its workflow ${workflow} ended in silence (terminated or lost).`;
}
