import { readAttempt, readAttempts, type AttemptRow } from "../db/reads/attempt-facts.ts";
import { readDecisions, readGate as readGateRow, readGates, readStandingVotes, type GateRow } from "../db/reads/gates.ts";
import type { Row } from "../db/schema.ts";
import type { GateDecisionView, GateItemView, GateView } from "../domain/http/gate-views.ts";
import type { Page } from "../domain/http/record-views.ts";
import { gateIdPattern, type GateId } from "../domain/ids.ts";
import type { Caller } from "./caller.ts";
import type { GateFilter, PageInput } from "./filters.ts";
import { pageOf, placeOf } from "./cursor.ts";
import type { ControlContext } from "./deps.ts";
import { gateLinks } from "./links.ts";
import { listScopeOf, notFound, requireScope, scopeOf } from "./read-rights.ts";
import { missingOf, refusalOf } from "./receipts.ts";

/** The inbox: what waits, for whom, until when. */
export async function listGates(
  context: ControlContext,
  caller: Caller,
  filter: PageInput & GateFilter,
): Promise<Page<GateItemView>> {
  requireScope(caller, "read");
  const { limit, after, state, model, mine } = filter;
  const decidableAt = mine === true ? context.clock().toISOString() : undefined;
  const scope = mine === true ? scopeOf(caller.principal) : await listScopeOf(context, caller.principal);
  const rows = await readGates(context.db, scope, { limit: limit + 1, after: placeOf(after), state, model, decidableAt });
  const shown = rows.slice(0, limit).map((row) => row.id);
  const attempts = await readAttempts(context.db, shown, caller.principal.id);
  return pageOf(rows, limit, {
    item: (row): GateItemView => ({
      ...commonOf(context, caller, { row, facts: attempts.get(row.id) }),
      request: requestOf(row),
      recommendation: row.recommendation,
    }),
    cursor: (row) => [row.place, row.id],
  });
}

/** Throws `not-found`. */
export async function readGate(context: ControlContext, caller: Caller, gate: GateId): Promise<GateView> {
  requireScope(caller, "read");
  const found = gateIdPattern.test(gate) ? await readGateRow(context.db, scopeOf(caller.principal), gate) : undefined;
  if (!found) throw notFound("gate", gate);
  const { row, evidence } = found;
  const [facts, decisions, votes] = await Promise.all([
    factsOf(context, caller, gate),
    readDecisions(context.db, [gate]),
    readStandingVotes(context.db, gate),
  ]);
  return {
    ...commonOf(context, caller, { row, facts }),
    request: { ...requestOf(row), evidence },
    decisions: [...decisions.map(decisionOf), ...votes.map(voteOf)],
  };
}

async function factsOf(context: ControlContext, caller: Caller, gate: GateId): Promise<AttemptRow> {
  const row = await readAttempt(context.db, gate, caller.principal.id);
  if (!row) throw notFound("gate", gate);
  return row;
}

function requestOf(row: GateRow): GateItemView["request"] {
  const { ask, why, policy, deciders, excluded, opensAt, deadline, onDeadline } = row.terms;
  const { escalation, expiresAt, inputs, conditional, changed } = row.terms;
  return {
    digest: row.request_digest,
    ask,
    why,
    policy,
    deciders,
    excluded,
    opensAt,
    deadline,
    onDeadline,
    escalation: escalation ?? [],
    expiresAt: expiresAt ?? null,
    inputs: inputs ?? [],
    conditional: conditional ?? null,
    changed: changed ?? null,
  };
}

function commonOf(
  context: ControlContext,
  caller: Caller,
  { row, facts }: { row: GateRow; facts: AttemptRow | undefined },
): Omit<GateView, "request" | "decisions"> {
  return {
    id: row.id,
    name: row.name,
    number: row.number,
    model: row.model,
    release: row.release_id,
    state: row.state,
    resolution: row.resolution,
    subject: { kind: row.subject_kind, id: row.subject_id, digest: row.subject_digest },
    missing: facts ? missingOf(facts) : [],
    supersededBy: row.superseded_by,
    escalationLevel: row.escalation_level,
    overdueSince: row.overdue_since?.toISOString() ?? null,
    stale: row.stale,
    undecidable: row.undecidable,
    outcome: row.outcome,
    openedAt: row.opened_at?.toISOString() ?? null,
    closedAt: row.closed_at?.toISOString() ?? null,
    you: standingOf(context, caller, { row, facts }),
    links: gateLinks(context, row.id, row.release_id),
  };
}

/** What an approval by the caller would be answered now. */
function standingOf(
  context: ControlContext,
  caller: Caller,
  { row, facts }: { row: GateRow; facts: AttemptRow | undefined },
): GateView["you"] {
  if (!facts) return { mayDecide: false, receipt: null, why: null };
  const at = context.clock().toISOString();
  const attempt = {
    gate: row.id,
    by: caller.principal,
    surface: caller.surface,
    at,
    decision: "approve" as const,
    digest: row.request_digest,
  };
  const refusal = refusalOf(attempt, facts);
  return { mayDecide: refusal === null, receipt: refusal?.receipt ?? null, why: refusal?.message ?? null };
}

function decisionOf(row: Row<"decisions">): GateDecisionView {
  return {
    command: row.command_id,
    by: row.principal_id,
    decision: row.decision,
    reason: row.reason,
    at: row.decided_at.toISOString(),
    counted: row.counted,
    whyNot: row.why_not,
    surface: row.surface,
    digest: row.request_digest,
    seen: row.seen,
    returnTo: row.body.returnTo,
    parameters: row.body.parameters,
    groups: row.groups_then,
    groupsAtClose: row.groups_at_close,
    onBehalfOf: row.on_behalf_of,
    inputs: row.body.inputs,
    conditions: row.body.conditions ?? [],
  };
}

/** A vote that waits for the quorum counts as long as nothing changes; it is judged again when the gate closes. */
function voteOf({ command, groups, on_behalf_of }: Row<"votes">): GateDecisionView {
  const { decision, reason, digest, seen, returnTo, parameters, inputs, conditions } = command.body;
  return {
    command: command.id,
    by: command.principal,
    decision,
    reason,
    at: command.at,
    counted: true,
    whyNot: null,
    surface: command.surface,
    digest,
    seen,
    returnTo,
    parameters,
    groups: command.groups,
    groupsAtClose: groups,
    onBehalfOf: on_behalf_of,
    inputs,
    conditions: conditions ?? [],
  };
}
