import { sql } from "kysely";
import type { AuditEvent, AuditRecord } from "../domain/audit-events.ts";
import { canonicalJson } from "../domain/canonical-json.ts";
import { digestOf } from "../domain/digest.ts";
import type { Digest } from "../domain/ids.ts";
import type { Db, Trx } from "./database.ts";
import type { Row } from "./schema.ts";

/** Where the chain begins. */
export const genesisHash: Digest = `sha256:${"0".repeat(64)}`;

/** Rows read at once while verifying; 5,000 records are some 3 MB. */
const pageRows = 5_000;

/**
 * Appends to the chain, in the transaction of what the records are about. Takes the lock of the
 * head, which all writers need: call it LAST, so that the lock is held for one insert only.
 * The order of the sequence is thereby the order of commit.
 */
export async function appendAudit(trx: Trx, events: readonly AuditEvent[]): Promise<void> {
  if (events.length === 0) return;
  const head = await trx.selectFrom("audit_head").select(["seq", "hash"]).forUpdate().executeTakeFirstOrThrow();
  const at = new Date().toISOString();
  let { seq, hash } = head;
  const rows = events.map((event) => {
    seq += 1;
    const record: AuditRecord = {
      seq,
      at,
      kind: event.kind,
      actor: event.actor,
      model: event.model,
      subject: event.subject,
      data: event.data,
      prev: hash,
    };
    const body = canonicalJson(record);
    const row = {
      seq,
      at,
      kind: event.kind,
      actor: event.actor,
      model: event.model,
      subject: event.subject,
      body,
      prev: hash,
      hash: digestOf(body),
    };
    hash = row.hash;
    return row;
  });
  await trx
    .with("appended", (query) => query.insertInto("audit").values(rows).returning("seq"))
    .updateTable("audit_head")
    .set({ seq, hash })
    .execute();
}

export interface AuditBreak {
  seq: number;
  why: string;
}

export type AuditVerification =
  | { ok: true; records: number; head: Digest }
  | { ok: false; records: number; firstBreak: AuditBreak };

/** Follows the whole chain from its beginning, page by page, as of one moment; tells the first break. */
export async function verifyAudit(db: Db): Promise<AuditVerification> {
  return db
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute(async (trx) => {
      let link: Link = { seq: 0, hash: genesisHash };
      for (;;) {
        const page = await trx
          .selectFrom("audit")
          .selectAll()
          .where("seq", ">", link.seq)
          .orderBy("seq")
          .limit(pageRows)
          .execute();
        for (const row of page) {
          const why = breakOf(row, link);
          if (why !== null) return { ok: false, records: link.seq, firstBreak: { seq: row.seq, why } };
          link = { seq: row.seq, hash: row.hash };
        }
        if (page.length < pageRows) break;
      }
      const head = await trx.selectFrom("audit_head").select(["seq", "hash"]).executeTakeFirst();
      if (head?.seq !== link.seq || head.hash !== link.hash) {
        const why = `The chain ends at ${link.seq}, its head says ${head?.seq ?? "nothing"}: records at the end are gone, or the head was changed.`;
        return { ok: false, records: link.seq, firstBreak: { seq: link.seq + 1, why } };
      }
      return { ok: true, records: link.seq, head: link.hash };
    });
}

interface Link {
  seq: number;
  hash: Digest;
}

/** Why a row does not follow the link before it, or null. */
function breakOf(row: Row<"audit">, before: Link): string | null {
  if (row.seq !== before.seq + 1) return `Record ${before.seq + 1} is missing.`;
  if (row.prev !== before.hash) return "It does not name the hash of the record before it.";
  if (digestOf(row.body) !== row.hash) return "Its text does not have its hash.";
  const columns = {
    seq: row.seq,
    at: row.at.toISOString(),
    kind: row.kind,
    actor: row.actor,
    model: row.model,
    subject: row.subject,
    prev: row.prev,
  };
  const { data: _, ...told } = readRecord(row.body);
  if (canonicalJson(told) !== canonicalJson(columns)) return "Its columns say something else than its text.";
  return null;
}

function readRecord(body: string): Partial<AuditRecord> {
  // The text has the hash that the chain demands; a part that is missing shows in the comparison.
  return JSON.parse(body) as Partial<AuditRecord>;
}

/**
 * Whether a record of this kind about this subject has `value` under `key` of its data: for what
 * must be told once, however often its message or activity comes.
 */
export async function isAudited(
  trx: Trx,
  wanted: { kind: AuditEvent["kind"]; subject: string; key: string; value: string },
): Promise<boolean> {
  const found = await trx
    .selectFrom("audit")
    .select("seq")
    .where("subject", "=", wanted.subject)
    .where("kind", "=", wanted.kind)
    .where(sql`body::jsonb -> 'data' ->> ${wanted.key}`, "=", wanted.value)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}
