import { readFindings } from "../db/reads/findings.ts";
import type { Row } from "../db/schema.ts";
import type { FindingView } from "../domain/http/gate-views.ts";
import type { Page } from "../domain/http/record-views.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { readModel } from "./models.ts";
import { requireScope, scopeOf } from "./read-rights.ts";

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
