import { sql } from "kysely";
import type { AuditEvent } from "../domain/audit-events.ts";
import type { PrincipalId } from "../domain/ids.ts";
import type { People, PeopleChange } from "../domain/people-rules.ts";
import { appendAudit } from "./audit.ts";
import type { Db, Trx } from "./database.ts";
import { lookAtGatesOf } from "./gate-decidability.ts";

/** One change of people at a time: the rules look at all of them. Any number that nothing else uses: "peop". */
const peopleLock = 0x70656f70;

/** Everybody and every group as they are now, sorted. */
export async function readPeople(db: Db | Trx): Promise<People> {
  const principals = await db
    .selectFrom("principals")
    .select(["id", "kind", "display_name as displayName", "roles", "active"])
    .orderBy("id")
    .execute();
  const { rows } = await sql<{ group: string; members: PrincipalId[] }>`
    select g.id as "group", array(select b.principal_id from group_members b
      where b.group_id = g.id and b.until is null order by b.principal_id) as members
    from groups g order by g.id`.execute(db);
  return { principals, groups: Object.fromEntries(rows.map(({ group, members }) => [group, members])) };
}

/**
 * Reads all people under a lock, lets `judge` say what changes (it throws what is refused), and
 * writes that with its audit, all or nothing. Who leaves loses memberships, tokens, sessions and
 * delegations in the same transaction.
 */
export async function changePeople(
  db: Db,
  by: { actor: PrincipalId; command: string; reason: string | null },
  judge: (present: People) => PeopleChange[],
): Promise<{ changes: PeopleChange[]; people: People }> {
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${peopleLock})`.execute(trx);
    const changes = judge(await readPeople(trx));
    const events: AuditEvent[] = [];
    const note = (kind: AuditEvent["kind"], subject: string, data: Record<string, unknown>) =>
      void events.push({
        kind,
        actor: by.actor,
        model: null,
        subject,
        data: { ...data, command: by.command, ...(by.reason !== null && { reason: by.reason }) },
      });
    for (const change of changes) await write(trx, change, note);
    events.push(...(await lookAtGatesOf(trx, leftBy(changes))));
    const people = await readPeople(trx);
    await appendAudit(trx, events);
    return { changes, people };
  });
}

/** Who left what: open gates may now wait for nobody. Who joins counts on none of them. */
function leftBy(changes: PeopleChange[]): { groups: string[]; people: PrincipalId[] } {
  return {
    groups: changes.flatMap((one) => (one.kind === "remove" ? [one.group] : one.kind === "leave" ? one.groups : [])),
    people: changes.flatMap((one) => (one.kind === "leave" ? [one.principal] : [])),
  };
}

type Note = (kind: AuditEvent["kind"], subject: string, data: Record<string, unknown>) => void;

async function write(trx: Trx, change: PeopleChange, note: Note): Promise<void> {
  switch (change.kind) {
    case "create": {
      const { kind, displayName, roles } = change.as;
      await trx.insertInto("principals").values({ id: change.principal, kind, display_name: displayName, roles }).execute();
      return note("principal.created", change.principal, { kind, displayName, roles });
    }
    case "rename":
      await update(trx, change.principal, { display_name: change.displayName });
      return note("principal.changed", change.principal, { displayName: change.displayName });
    case "roles":
      await update(trx, change.principal, { roles: change.to });
      return note("principal.changed", change.principal, { roles: { from: change.from, to: change.to } });
    case "return":
      await update(trx, change.principal, { active: true });
      return note("principal.changed", change.principal, { active: true });
    case "leave":
      return leave(trx, change.principal, note);
    case "new-group":
      await trx.insertInto("groups").values({ id: change.group }).execute();
      return note("group.changed", change.group, { created: true });
    case "add":
      await trx
        .insertInto("group_members")
        // Not the transaction's beginning, which may lie before a gate that opened while this one waited for its turn.
        .values({ group_id: change.group, principal_id: change.principal, since: sql`clock_timestamp()` })
        .execute();
      return note("group.changed", change.group, { added: change.principal });
    case "remove":
      await endMemberships(trx, change.principal, change.group);
      return note("group.changed", change.group, { removed: change.principal });
  }
}

async function update(
  trx: Trx,
  principal: PrincipalId,
  to: { display_name: string } | { roles: People["principals"][number]["roles"] } | { active: boolean },
): Promise<void> {
  await trx.updateTable("principals").set(to).where("id", "=", principal).execute();
}

async function endMemberships(trx: Trx, principal: PrincipalId, group: string | null): Promise<string[]> {
  const { rows } = await sql<{ group_id: string }>`
    update group_members set until = clock_timestamp() where principal_id = ${principal} and until is null
      and (${group}::text is null or group_id = ${group}) returning group_id`.execute(trx);
  return rows.map((row) => row.group_id).toSorted();
}

async function leave(trx: Trx, principal: PrincipalId, note: Note): Promise<void> {
  await update(trx, principal, { active: false });
  const groups = await endMemberships(trx, principal, null);
  const tokens = await trx
    .updateTable("tokens")
    .set({ revoked_at: sql`now()` })
    .where("principal_id", "=", principal)
    .where("revoked_at", "is", null)
    .returning(["id", "kind"])
    .execute();
  const delegations = await trx
    .updateTable("delegations")
    .set({ revoked_at: sql`now()` })
    .where((where) => where.or([where("from_principal", "=", principal), where("to_principal", "=", principal)]))
    .where("revoked_at", "is", null)
    .where("until", ">", sql<Date>`now()`)
    .returning(["id", "from_principal", "to_principal"])
    .execute();
  for (const group of groups) note("group.changed", group, { removed: principal, why: "left" });
  for (const one of delegations)
    note("delegation.ended", one.id, { from: one.from_principal, to: one.to_principal, why: `${principal} left` });
  note("principal.left", principal, {
    groups,
    tokens: tokens.filter((token) => token.kind === "api").map((token) => token.id),
    sessions: tokens.filter((token) => token.kind === "session").length,
    delegations: delegations.map((one) => one.id),
  });
}
