import { sql } from "kysely";
import type { AuditEvent } from "../domain/audit-events.ts";
import type { GateId, PrincipalId } from "../domain/ids.ts";
import { impossibleQuorum } from "../domain/quorum.ts";
import type { Trx } from "./database.ts";
import { readPossibleDeciders } from "./reads/possible-deciders.ts";
import type { Row } from "./schema.ts";

/** More gates than that at once wait for a group of people nowhere; the rest is looked at when they are opened anew. */
const mostLookedAt = 500;

type Asked = Pick<Row<"gates">, "id" | "model" | "undecidable"> & {
  request: Pick<Row<"gates">["request"], "deciders" | "policy">;
};

/**
 * Whether those who may decide at present can complete the quorum at all: told at once, and not waited
 * on in silence. Gives why not, and the record of it when that is news.
 */
export async function lookWhetherDecidable(trx: Trx, gate: Asked): Promise<{ why: string | null; events: AuditEvent[] }> {
  const { id, model, request } = gate;
  const why = impossibleQuorum(request.deciders, await readPossibleDeciders(trx, id));
  if (why === gate.undecidable) return { why, events: [] };
  await trx.updateTable("gates").set({ undecidable: why }).where("id", "=", id).execute();
  const data = { why, policy: request.policy.id };
  return {
    why,
    events: why === null ? [] : [{ kind: "gate.undecidable", actor: "countersign", model, subject: id, data }],
  };
}

/** The same for every open gate on which one of these decides, after somebody left them. */
export async function lookAtGatesOf(trx: Trx, left: { groups: string[]; people: PrincipalId[] }): Promise<AuditEvent[]> {
  if (left.groups.length + left.people.length === 0) return [];
  const { rows } = await sql<Asked & { id: GateId }>`
    select g.id, g.model, g.undecidable, g.terms as request from gates g
    where g.state = 'open' and (g.decider_groups || g.escalation_groups && ${left.groups}::text[] or g.decider_people && ${left.people}::text[])
    order by g.id limit ${mostLookedAt} for no key update`.execute(trx);
  const events: AuditEvent[] = [];
  for (const row of rows) events.push(...(await lookWhetherDecidable(trx, row)).events);
  return events;
}
