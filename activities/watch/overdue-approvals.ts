import { sql } from "kysely";
import type { Row } from "../../db/schema.ts";
import type { Policy } from "../../domain/policy.ts";
import { durationInWords, momentInWords } from "../../domain/wording.ts";
import { readPolicyInForce } from "../../db/policies.ts";
import { openFinding } from "../record/findings.ts";
import type { RecordDeps } from "../record/deps.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { lapseApproval } from "../slot/lapse-approval.ts";

/** Champions looked at in one round; the rest has its turn in the next. */
const mostLookedAt = 500;

/**
 * Champions whose approval is older than a policy allows. The policy under which it was given says
 * what happens: a finding, once, or the approval is revoked and the champion before comes back. A
 * policy in force that is stricter opens a finding and no more: publishing one takes nothing out of
 * service. Gives the approvals that are overdue.
 */
export async function lookAtApprovals(deps: RecordDeps): Promise<string[]> {
  const { rows } = await sql<{ approval: string }>`
    select s.champion_approval as approval from slots s
    join approvals a on a.id = s.champion_approval
    join policies p on p.id = a.policy_id and p.version = a.policy_version
    join models m on m.name = s.model
    left join policies_in_force f on f.tier = m.tier and f.maturity = m.maturity and f.team in ('', m.owner_team)
    left join policies q on q.id = f.policy_id and q.version = f.policy_version
    where a.revoked_at is null and m.state <> 'retired'
      and (a.at + make_interval(secs => (p.body -> 'revalidation' ->> 'everyMs')::float8 / 1000) < now()
        or a.at + make_interval(secs => (q.body -> 'revalidation' ->> 'everyMs')::float8 / 1000) < now())
      and (p.body -> 'revalidation' ->> 'onOverdue' is not distinct from 'revoke'
        or not exists (select 1 from findings g where g.key = 'revalidation/' || a.id))
    group by s.champion_approval order by random() limit ${mostLookedAt}`.execute(deps.db);
  const overdue: string[] = [];
  for (const { approval } of rows)
    if (await inTransaction(deps.db, (unit) => lookAt(deps, unit, approval))) overdue.push(approval);
  return overdue;
}

async function lookAt(deps: RecordDeps, unit: Unit, id: string): Promise<boolean> {
  const { trx } = unit;
  const approval = await trx.selectFrom("approvals").selectAll().where("id", "=", id).forNoKeyUpdate().executeTakeFirstOrThrow();
  if (approval.revoked_at !== null) return false;
  const model = await trx
    .selectFrom("versions as v")
    .innerJoin("models as m", "m.name", "v.model")
    .selectAll("m")
    .where("v.id", "=", approval.version_id)
    .executeTakeFirstOrThrow();
  const given = await trx
    .selectFrom("policies")
    .selectAll()
    .where("id", "=", approval.policy_id)
    .where("version", "=", approval.policy_version)
    .executeTakeFirstOrThrow();
  const present = await readPolicyInForce(trx, { tier: model.tier, maturity: model.maturity, team: model.owner_team });
  const overdue = [given, ...(present ? [present] : [])].find((policy) => isOverdue(approval, policy.body));
  if (!overdue) return false;
  const why = sentence(approval, overdue);
  if (overdue === given && given.body.revalidation?.onOverdue === "revoke") {
    await lapseApproval(deps, unit, { approval, why, by: "countersign" });
    return true;
  }
  const about = { gate: approval.gate_id, version: approval.version_id, by: "countersign" };
  await openFinding(unit, { model: model.name, kind: "revalidation", title: why, key: `revalidation/${approval.id}`, ...about });
  return true;
}

function isOverdue(approval: Row<"approvals">, { revalidation }: Policy): boolean {
  return revalidation !== undefined && approval.at.getTime() + revalidation.everyMs < Date.now();
}

function sentence(approval: Row<"approvals">, { id, version, body }: Row<"policies">): string {
  const every = durationInWords(body.revalidation?.everyMs ?? 0);
  return `${approval.version_id} was approved on ${momentInWords(approval.at.toISOString())}; the policy ${id} ${version} wants a champion approved anew every ${every}.`;
}
