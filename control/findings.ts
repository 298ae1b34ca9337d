import { readFindings } from "../db/reads/findings.ts";
import type { Row } from "../db/schema.ts";
import type { FindingView } from "../domain/http/gate-views.ts";
import type { Page } from "../domain/http/record-views.ts";
import { reasonRequestSchema } from "../domain/http/requests.ts";
import type { CommandOf } from "../domain/signed-command.ts";
import { lifecycleCommandUpdate } from "../workflows/messages.ts";
import type { Answer, Outcome } from "./answer.ts";
import type { Caller, Sent } from "./caller.ts";
import { finishCommand, signed } from "./command-run.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { lifecycleGone } from "./model-commands.ts";
import { readModel } from "./models.ts";
import { requireScope, scopeOf } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";

const mostListed = 200;

/** What somebody must answer about a model, the open ones first. Throws `not-found` for a model that one may not see. */
export async function listFindings(context: ControlContext, caller: Caller, model: string): Promise<Page<FindingView>> {
  requireScope(caller, "read");
  await readModel(context, caller, model);
  const rows = await readFindings(context.db, scopeOf(caller.principal), { model, limit: mostListed });
  return { items: rows.map(findingOf), next: null };
}

function findingOf(row: Row<"findings">): FindingView {
  return {
    id: row.id,
    model: row.model,
    kind: row.kind,
    title: row.title,
    gate: row.gate_id,
    version: row.version_id,
    openedBy: row.opened_by,
    openedAt: row.opened_at.toISOString(),
    closedBy: row.closed_by,
    closedAt: row.closed_at?.toISOString() ?? null,
    closing: row.closing,
  };
}

/** Closes a finding with a reason; who may is decided where it is written. */
export async function closeFinding(
  context: ControlContext,
  { caller, about, sent }: { caller: Caller; about: { model: string; finding: string }; sent: Sent },
): Promise<Answer<{ finding: string }>> {
  requireScope(caller, "operate");
  const { model, finding } = about;
  await readModel(context, caller, model);
  const { reason } = checkBody(reasonRequestSchema, sent.body);
  const once = { caller, route: `POST /api/models/${model}/findings/${finding}/close`, key: sent.key, body: { reason } };
  return runOnce(context, once, async (begun) =>
    finishCloseFinding(
      context,
      await signed(context, { begun, caller, body: { kind: "close-finding", model, finding, reason } }),
    ),
  );
}

export function finishCloseFinding(
  context: ControlContext,
  command: CommandOf<"close-finding">,
): Promise<Outcome<{ finding: string }>> {
  const { model, finding } = command.body;
  return finishCommand<CommandOf<"close-finding">["body"], { finding: string }>(context, command, {
    to: { model },
    update: lifecycleCommandUpdate,
    gone: lifecycleGone,
    outcome: async () => ({ kind: "done", status: 200, value: { finding } }),
  });
}
