import { type RawBuilder, sql } from "kysely";
import type { KeepDays, Removed } from "../domain/retention.ts";
import type { Db } from "./database.ts";

/** Rows a statement: some 50 ms, so that nobody waits for its locks. */
const batchRows = 2_000;

/** So far before its finding an open drift is explained by what was asked. */
const beforeDrift = sql`interval '2 days'`;

type Kind = Exclude<keyof KeepDays, "artifacts">;
type Statement = (age: RawBuilder<unknown>, limit: number) => RawBuilder<unknown>;

/**
 * What may go of each kind, given the age from which it may. What is under way stays whatever its age: what an open gate
 * or an open finding may still need; and all of a model that is on hold.
 */
const aged: Record<Exclude<Kind, "predictions">, Statement[]> = {
  attempts: [
    (age, limit) => sql`delete from attempts where id in (select a.id from attempts a where a.at < ${age}
      and not exists (select from gates g where g.id = a.gate_id and (g.state <> 'closed' or is_held(g.model)))
      order by a.at limit ${limit} for update skip locked)`,
  ],
  windows: [
    // The newest verdict says from where the next window is measured.
    (age, limit) => sql`delete from monitor_windows where ctid in (select w.ctid from monitor_windows w where w.to_at < ${age}
      and not is_held(w.model)
      and exists (select from monitor_windows n where (n.model, n.environment, n.version_id) = (w.model, w.environment, w.version_id)
        and n.to_at > w.to_at and n.verdict <> 'too-few')
      and not exists (select from findings f where f.model = w.model and f.kind = 'drift' and f.closed_at is null)
      limit ${limit})`,
  ],
  messages: [
    // Replies before what they answer.
    (age, limit) => sql`delete from deliveries where id in (select d.id from deliveries d where d.created_at < ${age}
      and d.state <> 'due' and (d.model is null or not is_held(d.model))
      and not exists (select from deliveries r where r.parent = d.id)
      and not exists (select from gates g where g.id = d.subject and g.state <> 'closed')
      and not exists (select from findings f where f.id = d.subject and f.closed_at is null)
      order by d.created_at limit ${limit} for update skip locked)`,
  ],
  sources: [
    (age, limit) => sql`delete from source_files where place in (select place from source_files where read_at < ${age}
      limit ${limit} for update skip locked)`,
  ],
  tokens: [
    (age, limit) => sql`delete from tokens where id in (select id from tokens where least(expires_at, revoked_at) < ${age}
      limit ${limit} for update skip locked)`,
    (age, limit) => sql`delete from slack_links where hash in (select hash from slack_links where expires_at < ${age}
      limit ${limit} for update skip locked)`,
  ],
};

/** Predictions of one slot, which is how their index lies. */
function predictionsOf({ model, environment }: { model: string; environment: string }): Statement {
  return (age, limit) => sql`delete from predictions where id in (select id from predictions
    where model = ${model} and environment = ${environment} and not is_held(${model})
      and at < least(${age}, (select min(opened_at) - ${beforeDrift} from findings
        where model = ${model} and kind = 'drift' and closed_at is null))
    order by at limit ${limit} for update skip locked)`;
}

/**
 * Removes what is older than `keep` says, a batch a statement, until nothing is left to remove, or `until` (milliseconds)
 * has come: the next round goes on. Gives how many rows of each kind went.
 */
export async function forgetRecords(
  db: Db,
  keep: KeepDays,
  { until, signal, batch = batchRows }: { until: number; signal: AbortSignal; batch?: number },
): Promise<Removed> {
  const slots = await db.selectFrom("slots").select(["model", "environment"]).orderBy("model").orderBy("environment").execute();
  const kinds = { ...aged, predictions: slots.map(predictionsOf) };
  const removed: Removed = {};
  // The keys of an object just made.
  for (const [kind, statements] of Object.entries(kinds) as [Kind, Statement[]][]) {
    const age = sql`now() - ${keep[kind]} * interval '1 day'`;
    for (const statement of statements)
      for (;;) {
        signal.throwIfAborted();
        if (Date.now() > until) return removed;
        const { numAffectedRows } = await statement(age, batch).execute(db);
        const rows = Number(numAffectedRows ?? 0);
        if (rows > 0) removed[kind] = (removed[kind] ?? 0) + rows;
        if (rows < batch) break;
      }
  }
  return removed;
}
