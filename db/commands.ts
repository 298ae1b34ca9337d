import { sql } from "kysely";
import type { DecisionCommand, SignedCommand } from "../domain/signed-command.ts";
import type { Db, Trx } from "./database.ts";
import type { Row } from "./schema.ts";

export interface NewCommand {
  id: string;
  principal: string;
  route: string;
  key: string;
  bodyDigest: string;
  gate: string | null;
  signed: SignedCommand | null;
}

/** Takes the key for a new command; false when it is taken already. */
export async function insertCommand(db: Db, command: NewCommand): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto("commands")
    .values({
      id: command.id,
      principal_id: command.principal,
      route: command.route,
      idempotency_key: command.key,
      body_digest: command.bodyDigest,
      state: "running",
      gate_id: command.gate,
      signed: command.signed && JSON.stringify(command.signed),
    })
    .onConflict((conflict) => conflict.columns(["principal_id", "route", "idempotency_key"]).doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

export async function findCommand(
  db: Db,
  by: Pick<NewCommand, "principal" | "route" | "key">,
): Promise<Row<"commands"> | undefined> {
  return db
    .selectFrom("commands")
    .selectAll()
    .where("principal_id", "=", by.principal)
    .where("route", "=", by.route)
    .where("idempotency_key", "=", by.key)
    .executeTakeFirst();
}

export async function readCommand(db: Db, id: string): Promise<Row<"commands"> | undefined> {
  return db.selectFrom("commands").selectAll().where("id", "=", id).executeTakeFirst();
}

/** Takes up a command that nobody works on any more; undefined when somebody does, or was faster. */
export async function takeCommand(db: Db, id: string, leaseMs: number): Promise<Row<"commands"> | undefined> {
  return db
    .updateTable("commands")
    .set({ taken_at: sql`now()` })
    .where("id", "=", id)
    .where("state", "<>", "done")
    .where((where) =>
      where.or([where("taken_at", "is", null), where("taken_at", "<", sql<Date>`now() - ${leaseMs} * interval '1 millisecond'`)]),
    )
    .returningAll()
    .executeTakeFirst();
}

/** Lets go of a command whose outcome is not kept (a 5xx): the same key may try again at once, under the same id. */
export async function releaseCommand(db: Db, id: string): Promise<void> {
  await db.updateTable("commands").set({ taken_at: null }).where("id", "=", id).where("state", "<>", "done").execute();
}

/** The signed form is kept before it is sent, so that it can be sent again as it was. */
export async function keepSigned(db: Db, command: SignedCommand): Promise<void> {
  await db
    .updateTable("commands")
    .set({ signed: JSON.stringify(command) })
    .where("id", "=", command.id)
    .execute();
}

export async function keepAnswer(
  db: Db,
  answer: { id: string; state: "pending" | "done"; status: number; body: string },
): Promise<void> {
  await db
    .updateTable("commands")
    .set({
      state: answer.state,
      response_status: answer.status,
      response_body: answer.body,
      taken_at: null,
      completed_at: answer.state === "done" ? sql`now()` : null,
    })
    .where("id", "=", answer.id)
    .where("state", "<>", "done")
    .execute();
}

/** Pending commands on which nobody works, oldest first. */
export async function readPending(db: Db, limit: number): Promise<Row<"commands">[]> {
  return db.selectFrom("commands").selectAll().where("state", "=", "pending").orderBy("created_at").limit(limit).execute();
}

/** Decisions on a gate that were signed, whose makers were told `pending`, in the order in which they were made. */
export async function readUndelivered(trx: Trx, gate: string): Promise<DecisionCommand[]> {
  const rows = await trx
    .selectFrom("commands")
    .select("signed")
    .where("gate_id", "=", gate)
    .where("state", "=", "pending")
    .orderBy("created_at")
    .execute();
  return rows.flatMap(({ signed }) => (signed !== null && isDecision(signed) ? [signed] : []));
}

function isDecision(command: SignedCommand): command is DecisionCommand {
  return command.body.kind === "decide";
}

/** Answers are kept for `keptDays`, those of decisions as long as their gate is open. Gives how many went. */
export async function forgetCommands(db: Db, keptDays: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from commands c where c.state = 'done' and c.created_at < now() - ${keptDays} * interval '1 day'
      and not exists (select 1 from gates g where g.id = c.gate_id and g.state <> 'closed')`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** What the activity that carried a command out left behind. */
export async function readCommandResult(db: Db, id: string): Promise<Row<"command_results"> | undefined> {
  return db.selectFrom("command_results").selectAll().where("command_id", "=", id).executeTakeFirst();
}
