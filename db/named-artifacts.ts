import { sql } from "kysely";
import type { Digest } from "../domain/ids.ts";
import type { Db, Trx } from "./database.ts";

/** Names no artifact: what was asked and answered, and the look-through's own list. */
const without = ["predictions", "unreachable_artifacts"];
/** A statement has 8 s; with so many blocks more at a time while it takes less than this, with fewer when it takes more. */
const briskMs = 500;
const mostBlocks = 16_384;

/**
 * Calls `onDigest` with every digest that stands anywhere in the database, in any table and column, as of one moment:
 * what a list of columns would forget is kept. One block range of a table after the other, so that no statement is long.
 */
export async function eachNamedDigest(db: Db, onDigest: (digest: Digest) => void, signal: AbortSignal): Promise<void> {
  await db
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute(async (trx) => {
      for (const { name, blocks } of await readTables(trx)) {
        let size = 64;
        for (let from = 0; from <= blocks;) {
          signal.throwIfAborted();
          const began = Date.now();
          for (const digest of await namedIn(trx, { name, from, to: from + size })) onDigest(digest);
          from += size;
          size = Date.now() - began < briskMs ? Math.min(size * 2, mostBlocks) : Math.max(Math.floor(size / 4), 1);
        }
      }
    });
}

async function readTables(trx: Trx): Promise<{ name: string; blocks: number }[]> {
  const { rows } = await sql<{ name: string; blocks: number }>`
    select c.relname as name, (pg_relation_size(c.oid) / current_setting('block_size')::int)::int as blocks
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1`.execute(trx);
  return rows.filter(({ name }) => !without.includes(name));
}

async function namedIn(trx: Trx, { name, from, to }: { name: string; from: number; to: number }): Promise<Digest[]> {
  const { rows } = await sql<{ digest: Digest }>`
    select distinct found[1] as digest
    from ${sql.table(name)} as t, regexp_matches(t::text, '(sha256:[0-9a-f]{64})', 'g') as found
    where t.ctid >= ${`(${from},0)`}::tid and t.ctid < ${`(${to},0)`}::tid`.execute(trx);
  return rows.map(({ digest }) => digest);
}

/**
 * Remembers since when nothing names these, forgets those that something names again, and gives those that have been on
 * the list for `days`.
 */
export async function noteUnreachable(db: Db, unreachable: readonly Digest[], days: number): Promise<Digest[]> {
  return db.transaction().execute(async (trx) => {
    const given = sql`(select jsonb_array_elements_text(${JSON.stringify(unreachable)}::jsonb))`;
    await sql`delete from unreachable_artifacts where digest not in ${given}`.execute(trx);
    await sql`insert into unreachable_artifacts (digest) ${given} on conflict do nothing`.execute(trx);
    const { rows } = await sql<{ digest: Digest }>`
      select digest from unreachable_artifacts where since <= now() - ${days} * interval '1 day' order by since`.execute(trx);
    return rows.map(({ digest }) => digest);
  });
}
