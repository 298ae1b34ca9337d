import { sql, type RawBuilder } from "kysely";
import { readsEverything, type Role } from "../../domain/principal.ts";
import type { Db } from "../database.ts";
import { isNamed, readableThrough, readsAsDelegate, readsModel, type ReadScope } from "../rights.ts";

export interface AuditRowFilter {
  model?: string | undefined;
  actor?: string | undefined;
  subject?: string | undefined;
  kind?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export interface AuditBody {
  seq: number;
  model: string | null;
  subject: string;
  /** The canonical JSON that was hashed. */
  body: string;
  hash: string;
}

/** Records after `after`, in the order of the chain. Who sees a gate that is about no model sees what is on record of it. */
export async function readAudit(
  db: Db,
  scope: ReadScope,
  page: AuditRowFilter & { limit: number; after: number },
): Promise<AuditBody[]> {
  const { model, actor, subject, kind } = page;
  const filters = sql`u.seq > ${page.after} and ${withinTime(page)}
    and ${model === undefined ? sql`true` : sql`u.model = ${model}`}
    and ${actor === undefined ? sql`true` : sql`u.actor = ${actor}`}
    and ${subject === undefined ? sql`true` : sql`u.subject = ${subject}`}
    and ${kind === undefined ? sql`true` : sql`u.kind = ${kind}`}`;
  const columns = sql.raw("u.seq, u.model, u.subject, u.body, u.hash");
  const few = scope.models !== null && scope.models.length <= fewModels;
  const branches = scope.all
    ? [sql`true`]
    : [
        ...(few ? [] : [readableThrough(scope, "u.model")]),
        sql`u.model is null and u.subject in (select g.id from gates g where g.model is null and ${isNamed(scope)})`,
        sql`u.model is null and u.subject in (select g.id from gates g where g.model is null and ${readsAsDelegate(scope.principal)}
          and exists (select from delegations d where d.to_principal = ${scope.principal} and d.revoked_at is null))`,
      ];
  const picked = branches.map(
    (branch) => sql`(select ${columns} from audit u where ${branch} and ${filters} order by u.seq limit ${page.limit})`,
  );
  if (few)
    picked.push(sql`(select p.* from unnest(${scope.models}::text[]) of (name) cross join lateral (
      select ${columns} from audit u where u.model = of.name and ${filters} order by u.seq limit ${page.limit}) p
      order by p.seq limit ${page.limit})`);
  const { rows } = await sql<AuditBody>`
    select * from (${sql.join(picked, sql` union `)}) as picked order by seq limit ${page.limit}`.execute(db);
  return rows;
}

/** Each looked up by itself: through the whole chain in search of models of which little is on record took a second. */
const fewModels = 100;

/** Records that clocks of several machines put out of order by as many places are found all the same. */
const outOfOrder = 1_000;

/** From the first record of that time on, and not from the beginning of the chain. */
function withinTime({ from, to }: Pick<AuditRowFilter, "from" | "to">): RawBuilder<boolean> {
  const since =
    from === undefined
      ? sql`true`
      : sql`u.at >= ${from}::timestamptz and u.seq >= (
          select a.seq from audit a where a.at >= ${from}::timestamptz order by a.at, a.seq limit 1) - ${outOfOrder}::int`;
  const until =
    to === undefined
      ? sql`true`
      : sql`u.at <= ${to}::timestamptz and u.seq <= (
          select a.seq from audit a where a.at <= ${to}::timestamptz order by a.at desc, a.seq desc limit 1) + ${outOfOrder}::int`;
  return sql<boolean>`${since} and ${until}`;
}

/** Everything after `after`, for whom is another question. */
export async function readAuditAfter(db: Db, page: { after: number; limit: number }): Promise<AuditBody[]> {
  return db
    .selectFrom("audit")
    .select(["seq", "model", "subject", "body", "hash"])
    .where("seq", ">", page.after)
    .orderBy("seq")
    .limit(page.limit)
    .execute();
}

/** Who of those that hold these tokens may see which of the records; a token that is not valid any more is left out. */
export async function readStreamReaders(
  db: Db,
  tokens: string[],
  records: Pick<AuditBody, "model" | "subject">[],
): Promise<Map<string, (record: Pick<AuditBody, "model" | "subject">) => boolean>> {
  const models = [...new Set(records.flatMap((record) => record.model ?? []))];
  const subjects = [...new Set(records.flatMap((record) => (record.model === null ? record.subject : [])))];
  const reader = { principal: sql.ref("holder.id"), groups: sql.ref("holder.groups") };
  const { rows } = await sql<{ token: string; roles: Role[]; models: string[]; gates: string[] }>`
    select holder.token, holder.roles, array(select m.name from models m where m.name = any(${models}::text[]) and ${readsModel(reader)}) as models,
      array(select g.id from gates g where g.id = any(${subjects}::text[]) and g.model is null
        and (${isNamed(reader)} or ${readsAsDelegate(reader.principal)})) as gates
    from (select t.id as token, p.id, p.roles, array(select b.group_id from group_members b
        where b.principal_id = p.id and b.until is null) as groups
      from tokens t join principals p on p.id = t.principal_id
      where t.id = any(${tokens}::text[]) and t.revoked_at is null and t.expires_at > now() and p.active) holder`.execute(db);
  return new Map(
    rows.map(({ token, roles, models: own, gates }) => {
      const all = readsEverything({ roles });
      return [token, ({ model, subject }) => all || (model === null ? gates.includes(subject) : own.includes(model))];
    }),
  );
}

export async function readAuditHead(db: Db): Promise<{ seq: number; hash: string }> {
  return db.selectFrom("audit_head").select(["seq", "hash"]).executeTakeFirstOrThrow();
}
