import type { Db, Trx } from "../../db/database.ts";
import type { AuditKind, AuditRecord } from "../../domain/audit-events.ts";

/**
 * When the approval of a champion ends, the slot moves in the same transaction. One message tells of
 * both, so each of the two records has to find the other: they follow one another in the chain, and
 * what lies between them is no more than that one transaction writes.
 */
const recordsApart = 3;
const moves: AuditKind[] = ["deployment.rolled-back", "deployment.withdrawn"];

/** The move of the slot that came with a revocation; null where the version did not serve. */
export async function moveOfRevocation(db: Db, revoked: AuditRecord): Promise<AuditRecord | null> {
  const near = await readBetween(db, { kinds: moves, after: revoked.seq, upTo: revoked.seq + recordsApart });
  return near.find((move) => belongTogether(revoked, move)) ?? null;
}

/** Whether the slot moved because the approval of what served had just ended. */
export async function followsRevocation(trx: Trx, move: AuditRecord): Promise<boolean> {
  const near = await readBetween(trx, {
    kinds: ["approval.revoked"],
    after: move.seq - recordsApart - 1,
    upTo: move.seq - 1,
  });
  return near.some((revoked) => belongTogether(revoked, move));
}

function belongTogether(revoked: AuditRecord, move: AuditRecord): boolean {
  return (
    revoked.model === move.model &&
    revoked.subject === move.data["previous"] &&
    revoked.data["environment"] === move.data["environment"]
  );
}

async function readBetween(db: Db, { kinds, after, upTo }: { kinds: AuditKind[]; after: number; upTo: number }) {
  const rows = await db
    .selectFrom("audit")
    .select("body")
    .where("kind", "in", kinds)
    .where("seq", ">", after)
    .where("seq", "<=", upTo)
    .execute();
  // Written by `appendAudit` alone, as the chain proves.
  return rows.map(({ body }) => JSON.parse(body) as AuditRecord);
}
