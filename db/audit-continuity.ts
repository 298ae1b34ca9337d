import { CountersignError } from "../domain/errors.ts";
import type { Digest, Timestamp } from "../domain/ids.ts";
import { momentInWords } from "../domain/wording.ts";
import type { Db } from "./database.ts";

interface Seen {
  seq: number;
  hash: Digest;
  at: Timestamp;
}

/** Where the last head that was seen is kept, outside of the database. */
export interface SeenHeads {
  readSeenHead(): Promise<Seen | null>;
  noteSeenHead(head: Seen): Promise<void>;
}

/** Why this database is not the one that was seen, or an older state of it; null when it holds all that was seen. */
export async function continuityFault(db: Db, heads: Pick<SeenHeads, "readSeenHead">): Promise<string | null> {
  const seen = await heads.readSeenHead();
  if (seen === null) return null;
  const row = await db.selectFrom("audit").select("hash").where("seq", "=", seen.seq).executeTakeFirst();
  if (row?.hash === seen.hash) return null;
  const when = momentInWords(seen.at);
  if (row) return `This database is not the one that was seen on ${when}: its audit record ${seen.seq} is another.`;
  const head = await db.selectFrom("audit_head").select("seq").executeTakeFirstOrThrow();
  return `This database is older than what was seen on ${when}: its audit chain ends at record ${head.seq}, and record ${seen.seq} was seen.`;
}

/** Remembers how far the chain has come. Throws, and remembers nothing, where the database is not the one that was seen. */
export async function rememberHead(db: Db, heads: SeenHeads): Promise<void> {
  const fault = await continuityFault(db, heads);
  if (fault !== null) throw new CountersignError("internal", `${fault} ${continuityCure}`);
  const { seq, hash } = await db.selectFrom("audit_head").select(["seq", "hash"]).executeTakeFirstOrThrow();
  if (seq > 0) await heads.noteSeenHead({ seq, hash, at: new Date().toISOString() });
}

export const continuityCure =
  "Nothing is deployed meanwhile. Restore the newer database; where what came after is lost, look at countersign reconcile, then remove seen-head.json beside the artifacts: what is there counts from then on.";
