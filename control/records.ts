import { continuityFault, rememberHead } from "../db/audit-continuity.ts";
import { verifyAudit } from "../db/audit.ts";
import { readCommand } from "../db/commands.ts";
import { readAudit, readAuditHead, type AuditBody } from "../db/reads/audit.ts";
import { readGroups } from "../db/reads/people.ts";
import type { AuditRecord } from "../domain/audit-events.ts";
import type {
  AuditRecordView,
  AuditVerificationView,
  CommandView,
  GroupView,
  MeView,
  Page,
} from "../domain/http/record-views.ts";
import type { Digest } from "../domain/ids.ts";
import type { Caller } from "./caller.ts";
import type { AuditFilter, PageInput } from "./filters.ts";
import { nameOf, numberOf, pageOf } from "./cursor.ts";
import type { ControlContext } from "./deps.ts";
import { notFound, requireScope, listScopeOf } from "./read-rights.ts";

export function readMe(_: ControlContext, caller: Caller): MeView {
  const { id, kind, displayName, groups, roles } = caller.principal;
  return { principal: id, kind, displayName, groups, roles, scopes: caller.token.scopes };
}

export async function listGroups(context: ControlContext, caller: Caller, page: PageInput): Promise<Page<GroupView>> {
  requireScope(caller, "read");
  // People must be able to find who decides; a machine sees its own groups.
  const only = caller.principal.kind === "machine" ? caller.principal.groups : null;
  const { groups, members } = await readGroups(context.db, { limit: page.limit + 1, after: nameOf(page.after), only });
  return pageOf(groups, page.limit, {
    item: (group): GroupView => ({
      group,
      members: members
        .filter((member) => member.group === group)
        .map(({ principal, kind, displayName, since }) => ({ principal, kind, displayName, since: since.toISOString() })),
    }),
    cursor: (group) => [group],
  });
}

/** In the order of the chain. */
export async function listAudit(
  context: ControlContext,
  caller: Caller,
  filter: PageInput & AuditFilter,
): Promise<Page<AuditRecordView>> {
  requireScope(caller, "read");
  const { limit, after, ...wanted } = filter;
  const rows = await readAudit(context.db, await listScopeOf(context, caller.principal), {
    ...wanted,
    limit: limit + 1,
    after: numberOf(after),
  });
  return pageOf(rows, limit, { item: recordOf, cursor: (row) => [row.seq] });
}

export function recordOf(row: AuditBody): AuditRecordView {
  // The body is canonical JSON of an AuditRecord: `appendAudit` is the only writer, and the chain proves it.
  const record = JSON.parse(row.body) as AuditRecord;
  return { ...record, prev: record.prev as Digest, hash: row.hash as Digest };
}

/** Each record holds the hash of the one before it, and nothing outside the database holds any of them. */
const withoutCheckpoint =
  "This shows that no single record was changed, added or taken out. A superuser of the database who rewrote the chain from some record to its end would not be noticed: no checkpoint of it is kept outside the database.";

export async function checkAudit(context: ControlContext, caller: Caller): Promise<AuditVerificationView> {
  requireScope(caller, "read");
  const verified = await verifyAudit(context.db);
  const head = await readAuditHead(context.db);
  const older = await continuityFault(context.db, context.store);
  return {
    intact: verified.ok && older === null,
    records: verified.records,
    head: { seq: head.seq, hash: head.hash as Digest },
    fault: !verified.ok ? verified.firstBreak : older === null ? null : { seq: head.seq, why: older },
    checkpoint: null,
    limits: withoutCheckpoint,
    verifiedAt: context.clock().toISOString(),
  };
}

/** One's own; operators and admins see all. Throws `not-found`. */
export async function readOwnCommand(context: ControlContext, caller: Caller, id: string): Promise<CommandView> {
  const row = await readCommand(context.db, id);
  const { principal } = caller;
  const visible =
    row && (row.principal_id === principal.id || principal.roles.some((role) => role === "operator" || role === "admin"));
  if (!visible) throw notFound("command", id);
  const answered = row.response_status !== null && row.response_body !== null;
  return {
    id,
    state: row.state,
    by: row.principal_id,
    route: row.route,
    gate: row.gate_id,
    createdAt: row.created_at.toISOString(),
    completedAt: row.completed_at?.toISOString() ?? null,
    answer: answered ? { status: row.response_status ?? 0, body: JSON.parse(row.response_body ?? "null") as unknown } : null,
  };
}

/** Keeps how far the audit chain has come beside the artifacts; fails where this database is not the one that was seen. */
export function keepHead({ db, store }: ControlContext): Promise<void> {
  return rememberHead(db, store);
}
