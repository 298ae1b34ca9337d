import { countDelegations, endDelegation, insertDelegation } from "../db/delegations.ts";
import { listDelegations, readDelegation } from "../db/reads/delegations.ts";
import type { Row } from "../db/schema.ts";
import { delegationFaults, delegationState } from "../domain/delegation-rules.ts";
import { CountersignError } from "../domain/errors.ts";
import { delegationRequestSchema, type DelegationView } from "../domain/http/people-views.ts";
import type { Page } from "../domain/http/record-views.ts";
import { reasonRequestSchema } from "../domain/http/requests.ts";
import type { Answer } from "./answer.ts";
import type { Asked, Caller } from "./caller.ts";
import { refuseOnRecord } from "./command-run.ts";
import type { PageInput } from "./filters.ts";
import { numberOf, pageOf } from "./cursor.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { findModel } from "./models.ts";
import { presentPeople, refuseFaults } from "./people.ts";
import { notFound, requireScope } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";

const mostStanding = 20;

/** Given by or to oneself; with `all`, for admins, everybody's. */
export async function readDelegations(
  context: ControlContext,
  caller: Caller,
  filter: PageInput & { all?: boolean | undefined },
): Promise<Page<DelegationView>> {
  requireScope(caller, "read");
  const everybody = filter.all === true && caller.principal.roles.includes("admin");
  const offset = numberOf(filter.after);
  const principal = everybody ? null : caller.principal.id;
  const rows = await listDelegations(context.db, { principal, limit: filter.limit + 1, offset });
  return pageOf(rows, filter.limit, { item: (row) => viewOf(context, row), cursor: () => [offset + filter.limit] });
}

/** Lets another person decide in one's own name for a while. Nobody gives what is not his own. */
export async function giveDelegation(
  context: ControlContext,
  { caller, sent }: Omit<Asked, "about">,
): Promise<Answer<DelegationView>> {
  requireScope(caller, "decide");
  const body = checkBody(delegationRequestSchema, sent.body);
  const now = context.clock();
  const { principal: from } = caller;
  const present = await presentPeople(context);
  const to = present.principals.find((one) => one.id === body.to) ?? null;
  const faults = delegationFaults({ from, to, until: body.until, now: now.toISOString() });
  if (body.model !== null && !(await findModel(context, caller, body.model)))
    faults.push({ path: "model", message: "is no model that you may see" });
  refuseFaults(faults);
  return runOnce<DelegationView>(context, { caller, route: "POST /api/delegations", key: sent.key, body }, async (begun) => {
    if ((await countDelegations(context.db, from.id)) >= mostStanding) {
      const error = new CountersignError("forbidden", `${mostStanding} of your delegations stand; revoke one first.`);
      return refuseOnRecord(context, { caller, kind: "delegate", subject: from.id, model: body.model, error });
    }
    // From the command's id, so that what is tried again after a lost answer is not given twice.
    const id = `del_${begun.id.replace(/^cmd_/, "")}`;
    const before = await readDelegation(context.db, id);
    const { to: receiver, model, reason, until } = body;
    const row =
      before ??
      (await insertDelegation(context.db, {
        id,
        from: from.id,
        to: receiver,
        model,
        reason,
        since: now,
        until: new Date(until),
      }));
    return { kind: "done", status: 201, value: viewOf(context, row) };
  });
}

/** By the giver, by the receiver who declines, or by an admin. */
export async function revokeDelegation(context: ControlContext, asked: Asked): Promise<Answer<DelegationView>> {
  const { caller, about: id, sent } = asked;
  requireScope(caller, "decide");
  const row = await readDelegation(context.db, id);
  const { id: by, roles } = caller.principal;
  if (!row || !(row.from_principal === by || row.to_principal === by || roles.includes("admin")))
    throw notFound("delegation", id);
  const { reason } = checkBody(reasonRequestSchema, sent.body);
  const once = { caller, route: `POST /api/delegations/${id}/revoke`, key: sent.key, body: { reason } };
  return runOnce<DelegationView>(context, once, async () => {
    await endDelegation(context.db, { id, by, reason });
    const after = await readDelegation(context.db, id);
    return { kind: "done", status: 200, value: viewOf(context, after ?? row) };
  });
}

function viewOf(context: ControlContext, row: Row<"delegations">): DelegationView {
  const until = row.until.toISOString();
  const revokedAt = row.revoked_at?.toISOString() ?? null;
  return {
    id: row.id,
    from: row.from_principal,
    to: row.to_principal,
    model: row.model,
    reason: row.reason,
    since: row.since.toISOString(),
    until,
    revokedAt,
    state: delegationState({ until, revokedAt, now: context.clock().toISOString() }),
  };
}
