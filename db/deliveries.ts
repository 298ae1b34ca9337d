import { sql } from "kysely";
import type { MessageWay, NoticeKind } from "../domain/notices.ts";
import { appendAudit } from "./audit.ts";
import type { Db, Trx } from "./database.ts";
import type { Row } from "./schema.ts";

export type DeliveryRow = Row<"deliveries">;

export interface NewDelivery {
  id: string;
  notice: NoticeKind;
  subject: string;
  model: string | null;
  /** Sequence number of the record that brings it about. */
  event: number;
  way: MessageWay;
  destination: string;
  parent: string | null;
}

/** Puts messages into the outbox; one that is there is only wanted newer. */
export async function wantMessages(trx: Trx, messages: NewDelivery[]): Promise<void> {
  if (messages.length === 0) return;
  await trx
    .insertInto("deliveries")
    .values(messages.map((message) => ({ ...message, wanted: message.event })))
    .onConflict((conflict) =>
      conflict.column("id").doUpdateSet({
        wanted: sql<number>`greatest(deliveries.wanted, excluded.wanted)`,
        state: "due",
        due_at: new Date(),
      }),
    )
    .execute();
}

/** What those messages say changed with this record. */
export async function wantNewer(trx: Trx, about: { notice: NoticeKind; subject: string; event: number }): Promise<void> {
  await trx
    .updateTable("deliveries")
    .set({ wanted: about.event, state: "due", due_at: new Date() })
    .where("notice", "=", about.notice)
    .where("subject", "=", about.subject)
    .where("wanted", "<", about.event)
    .execute();
}

/** Posted messages of that subject, for what follows in their threads. */
export async function readMessagesAbout(
  trx: Trx,
  about: { notice: NoticeKind; subject: string; way: MessageWay },
): Promise<{ id: string; destination: string }[]> {
  return trx
    .selectFrom("deliveries")
    .select(["id", "destination"])
    .where("notice", "=", about.notice)
    .where("subject", "=", about.subject)
    .where("way", "=", about.way)
    .where("parent", "is", null)
    .execute();
}

/** The place of the planner in the audit chain; locked, so that no two plan the same. */
export async function lockCursor(trx: Trx): Promise<number> {
  return (await trx.selectFrom("courier_cursor").select("seq").forUpdate().executeTakeFirstOrThrow()).seq;
}

export async function moveCursor(trx: Trx, seq: number): Promise<void> {
  await trx.updateTable("courier_cursor").set({ seq }).execute();
}

export interface AuditFact {
  seq: number;
  kind: string;
  actor: string;
  model: string | null;
  subject: string;
  /** Canonical JSON of the record. */
  body: string;
}

export async function readFactsAfter(trx: Trx, seq: number, limit: number): Promise<AuditFact[]> {
  return trx
    .selectFrom("audit")
    .select(["seq", "kind", "actor", "model", "subject", "body"])
    .where("seq", ">", seq)
    .orderBy("seq")
    .limit(limit)
    .execute();
}

/** Whether the planner has something to do: records of these kinds after its place, or messages that are due. */
export async function hasCourierWork(db: Db, kinds: readonly string[]): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select exists (select 1 from audit where seq > (select seq from courier_cursor) and kind = any(${kinds}::text[]))
      or exists (select 1 from deliveries where state = 'due' and due_at <= now()) as found`.execute(db);
  return rows[0]?.found === true;
}

export interface DueMessage {
  id: string;
  notice: NoticeKind;
  subject: string;
  destination: string;
  /** Messages of one lane go one after the other: posts to one place; changes of what is there. */
  lane: string;
  isPosted: boolean;
}

/**
 * The first messages of each lane that are due. A reply waits for the message that it belongs to, and
 * lets what somebody has to act on go first: after 60 decisions a new request waited a minute for as
 * many remarks. The order within a thread stays.
 */
export async function readDue(db: Db, most: { aLane: number; lanes: number }): Promise<DueMessage[]> {
  const { rows } = await sql<DueMessage>`
    with due as (
      select d.id, d.notice, d.subject, d.destination, d.number, d.parent is not null as "isReply", d.ts is not null as "isPosted",
        d.way || ':' || d.destination || case when d.ts is null then '' else ':change' end as lane
      from deliveries d left join deliveries p on p.id = d.parent
      where d.state = 'due' and d.due_at <= now() and (d.parent is null or p.ts is not null or p.state = 'failed')
    ), placed as (
      select *, row_number() over (partition by lane order by "isReply", number) as place, min(number) over (partition by lane) as first from due
    )
    select id, notice, subject, destination, lane, "isPosted" from placed
    where place <= ${most.aLane} order by first, place limit ${most.aLane * most.lanes}`.execute(db);
  return rows;
}

/** In how many milliseconds the next message is due; null: none waits. */
export async function readNextDue(db: Db): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(d.due_at) - now())::double precision * 1000 as ms
    from deliveries d left join deliveries p on p.id = d.parent
    where d.state = 'due' and (d.parent is null or p.ts is not null or p.state = 'failed')`.execute(db);
  const ms = rows[0]?.ms ?? null;
  return ms === null ? null : Math.max(0, Math.round(ms));
}

export async function readDelivery(db: Db, id: string): Promise<DeliveryRow | null> {
  return (await db.selectFrom("deliveries").selectAll().where("id", "=", id).executeTakeFirst()) ?? null;
}

/** From here on the message may be there, whatever becomes of the answer. Gives when it was tried first, if it was. */
export async function noteTry(db: Db, id: string): Promise<Date | null> {
  const { rows } = await sql<{ before: Date | null }>`
    with before as (select id, tried_at from deliveries where id = ${id} for update)
    update deliveries d set tried_at = coalesce(d.tried_at, now()), attempts = d.attempts + 1
    from before where d.id = before.id returning before.tried_at as before`.execute(db);
  return rows[0]?.before ?? null;
}

/** It surely did not arrive: the next try need not look for it. */
export async function noteNotSent(db: Db, id: string): Promise<void> {
  await db.updateTable("deliveries").set({ tried_at: null }).where("id", "=", id).where("ts", "is", null).execute();
}

export interface Delivered {
  id: string;
  /** What it was when it was read: a newer wish stays due. */
  wanted: number;
  digest: string;
  channel: string | null;
  ts: string | null;
}

export async function noteDelivered(db: Db, done: Delivered): Promise<void> {
  const { id, wanted, digest, channel, ts } = done;
  await db
    .updateTable("deliveries")
    .set({
      delivered: wanted,
      digest,
      channel,
      ts,
      attempts: 0,
      failure: null,
      cure: null,
      delivered_at: new Date(),
      state: sql<"due" | "done">`case when wanted > ${wanted} then 'due' else 'done' end`,
    })
    .where("id", "=", id)
    .execute();
}

/** It is tried again at that time, and so is everything that goes to the same place. */
export async function postpone(
  db: Db,
  {
    row,
    byMs,
    failure,
    cure,
  }: { row: Pick<DeliveryRow, "id" | "way" | "destination">; byMs: number; failure: string; cure: string },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`update deliveries set due_at = greatest(due_at, now() + ${byMs} * interval '1 millisecond')
      where state = 'due' and way = ${row.way} and destination = ${row.destination}`.execute(trx);
    await trx.updateTable("deliveries").set({ failure, cure }).where("id", "=", row.id).execute();
  });
}

/** Given up, on record: the operator sees why, and what cures it. */
export async function giveUp(db: Db, { row, failure, cure }: { row: DeliveryRow; failure: string; cure: string }): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx.updateTable("deliveries").set({ state: "failed", failure, cure }).where("id", "=", row.id).execute();
    const { id, notice, way, destination } = row;
    await appendAudit(trx, [
      {
        kind: "message.given-up",
        actor: "countersign",
        model: row.model,
        subject: row.subject,
        data: { delivery: id, notice, way, destination, failure },
      },
    ]);
  });
}

/** The message is not where it was: it is posted anew, once for each time that it goes. */
export async function forgetPlace(db: Db, { id, failure, cure }: { id: string; failure: string; cure: string }): Promise<void> {
  await db
    .updateTable("deliveries")
    .set({ ts: null, channel: null, digest: null, tried_at: null, state: "due", due_at: new Date(), failure, cure })
    .where("id", "=", id)
    .execute();
}

/** Tries again what was given up at a place: its cure was found. */
export async function reviveFailed(db: Db, way: MessageWay): Promise<number> {
  const revived = await db
    .updateTable("deliveries")
    .set({ state: "due", due_at: new Date(), attempts: 0 })
    .where("way", "=", way)
    .where("state", "=", "failed")
    .returning("id")
    .execute();
  return revived.length;
}

export async function readTroubled(db: Db, limit: number): Promise<DeliveryRow[]> {
  return db
    .selectFrom("deliveries")
    .selectAll()
    .where("failure", "is not", null)
    .orderBy("number", "desc")
    .limit(limit)
    .execute();
}

export async function countDeliveries(db: Db): Promise<Record<DeliveryRow["state"], number>> {
  const rows = await db
    .selectFrom("deliveries")
    .select((eb) => ["state", eb.fn.countAll<number>().as("count")])
    .groupBy("state")
    .execute();
  const count = (state: DeliveryRow["state"]) => Number(rows.find((row) => row.state === state)?.count ?? 0);
  return { due: count("due"), done: count("done"), failed: count("failed") };
}
