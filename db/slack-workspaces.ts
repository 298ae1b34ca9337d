import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";
import type { Row } from "./schema.ts";

export async function readWorkspace(db: Db, team: string): Promise<Row<"slack_workspaces"> | null> {
  return (await db.selectFrom("slack_workspaces").selectAll().where("team_id", "=", team).executeTakeFirst()) ?? null;
}

/** Adds a workspace or renews its token, which comes sealed; on record without it. */
export async function writeWorkspace(db: Db, workspace: Omit<Row<"slack_workspaces">, "added_at">): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { team_id: team, added_by: by, name } = workspace;
    await trx
      .insertInto("slack_workspaces")
      .values(workspace)
      .onConflict((conflict) => conflict.column("team_id").doUpdateSet({ ...workspace, added_at: new Date() }))
      .execute();
    await appendAudit(trx, [{ kind: "slack.workspace-added", actor: by, model: null, subject: team, data: { name } }]);
  });
}
