import type { AuditEvent } from "../domain/audit-events.ts";
import type { Principal } from "../domain/principal.ts";
import { appendAudit } from "./audit.ts";
import type { Db } from "./database.ts";

/** Adds the people, groups and memberships that are missing; what is there stays as it is. */
export async function seedPeople(db: Db, people: readonly Principal[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const events: AuditEvent[] = [];
    const note = (kind: AuditEvent["kind"], subject: string, data: Record<string, unknown>) =>
      events.push({ kind, actor: "countersign", model: null, subject, data });
    for (const { id, kind, displayName, roles, groups } of people) {
      const added = await trx
        .insertInto("principals")
        .values({ id, kind, display_name: displayName, roles })
        .onConflict((conflict) => conflict.doNothing())
        .returning("id")
        .executeTakeFirst();
      // Somebody who was seeded before may have been moved by an admin since: that stands.
      if (!added) continue;
      note("principal.seeded", id, { kind, roles });
      for (const group of groups) {
        await trx
          .insertInto("groups")
          .values({ id: group })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        await trx.insertInto("group_members").values({ group_id: group, principal_id: id }).execute();
        note("group.changed", group, { added: id });
      }
    }
    await appendAudit(trx, events);
  });
}
