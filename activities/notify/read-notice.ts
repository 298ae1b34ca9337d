import type { DeliveryRow } from "../../db/deliveries.ts";
import type { AuditRecord } from "../../domain/audit-events.ts";
import { modelOf, workflowIds } from "../../domain/ids.ts";
import type {
  AbortedNotice,
  BlockedNotice,
  DriftNotice,
  GateEventNotice,
  Notice,
  RevokedNotice,
  RolledBackNotice,
  WithdrawnNotice,
} from "../../domain/notices.ts";
import type { NotifyDeps } from "./deps.ts";
import { gateEventOf } from "./gate-event.ts";
import { consoleLink, temporalLink } from "./links.ts";
import { readGateNotice } from "./read-gate-notice.ts";
import { moveOfRevocation } from "./revocation.ts";

/** What a message of the outbox should say now; null when there is nothing (any more) to say. */
export async function readNotice(deps: NotifyDeps, row: DeliveryRow): Promise<Notice | null> {
  if (row.notice === "gate") return readGateNotice(deps, row.subject);
  const record = await readRecord(deps, row.event);
  if (record === null) return null;
  switch (row.notice) {
    case "gate-event":
      return readGateEvent(deps, row, record);
    case "blocked":
      return readBlocked(deps, row, record);
    case "rolled-back":
      return rolledBackOf(deps, record);
    case "drift":
      return driftOf(deps, record);
    case "aborted":
      return readAborted(deps, record);
    case "revoked":
      return readRevoked(deps, record);
    case "withdrawn":
      return withdrawnOf(deps, record);
  }
}

async function readRecord({ db }: NotifyDeps, seq: number): Promise<AuditRecord | null> {
  const row = await db.selectFrom("audit").select("body").where("seq", "=", seq).executeTakeFirst();
  // Written by `appendAudit` alone, as the chain proves.
  return row ? (JSON.parse(row.body) as AuditRecord) : null;
}

async function readGateEvent(deps: NotifyDeps, row: DeliveryRow, record: AuditRecord): Promise<GateEventNotice | null> {
  const gate = await readGateNotice(deps, row.subject);
  return gate && gateEventOf(gate, record);
}

async function readBlocked(deps: NotifyDeps, row: DeliveryRow, record: AuditRecord): Promise<BlockedNotice | null> {
  const release = await deps.db
    .selectFrom("releases")
    .select(["id", "model", "state", "blocked", "outcome"])
    .where("id", "=", row.subject)
    .executeTakeFirst();
  if (!release) return null;
  const after = await deps.db
    .selectFrom("audit")
    .select("body")
    .where("subject", "=", release.id)
    .where("seq", ">", row.event)
    .where("kind", "in", ["release.unblocked", "release.ended"])
    .orderBy("seq")
    .limit(1)
    .executeTakeFirst();
  const since = after ? sinceInWords(JSON.parse(after.body) as AuditRecord) : null;
  const { blocked } = release;
  const { stage, code, message } = record.data;
  return {
    kind: "blocked",
    release: release.id,
    model: release.model,
    at: record.at,
    stage: String(stage),
    code: String(code),
    message: String(message),
    cure: since === null ? (blocked?.cure ?? "") : "",
    logTail: since === null ? (blocked?.logTail ?? null) : null,
    skippable: since === null && blocked?.skippable === true,
    since,
    links: {
      console: consoleLink(deps, `/releases/${release.id}`),
      temporal: temporalLink(deps, workflowIds.release(release.id)),
    },
  };
}

function sinceInWords({ kind, actor, data }: AuditRecord): string {
  if (kind === "release.ended") return `It ended: ${String(data["outcome"])}.`;
  const done: Record<string, string> = { retry: "had it tried again", skip: "skipped the stage", abandon: "abandoned it" };
  const parameters = data["parameters"];
  const changed =
    typeof parameters === "object" && parameters !== null && Object.keys(parameters).length > 0 ? " with changes" : "";
  return `${actor} ${done[String(data["action"])] ?? String(data["action"])}${changed}: ${String(data["reason"])}`;
}

function rolledBackOf(deps: NotifyDeps, record: AuditRecord): RolledBackNotice {
  const { environment, previous, reason } = record.data;
  const model = record.model ?? modelOf(record.subject);
  return {
    kind: "rolled-back",
    model,
    environment: String(environment),
    version: record.subject,
    previous: typeof previous === "string" ? previous : null,
    by: record.actor,
    reason: String(reason),
    at: record.at,
    links: modelLinks(deps, model),
  };
}

function driftOf(deps: NotifyDeps, record: AuditRecord): DriftNotice {
  const { environment, from, to, rows, columns } = record.data;
  const model = record.model ?? modelOf(record.subject);
  return {
    kind: "drift",
    model,
    version: record.subject,
    environment: String(environment),
    at: record.at,
    from: String(from),
    to: String(to),
    rows: Number(rows),
    // As `recordWindow` writes them.
    columns: Array.isArray(columns) ? (columns as DriftNotice["columns"]) : [],
    links: modelLinks(deps, model),
  };
}

async function readAborted(deps: NotifyDeps, record: AuditRecord): Promise<AbortedNotice> {
  const model = record.model ?? modelOf(record.subject);
  const slot = await deps.db
    .selectFrom("slots")
    .select("champion_version")
    .where("model", "=", model)
    .orderBy("environment")
    .limit(1)
    .executeTakeFirst();
  return {
    kind: "aborted",
    model,
    release: record.subject,
    at: record.at,
    summary: String(record.data["summary"]),
    champion: slot?.champion_version ?? null,
    links: {
      console: consoleLink(deps, `/releases/${record.subject}`),
      temporal: temporalLink(deps, workflowIds.release(record.subject)),
    },
  };
}

/** As it was when the approval ended: the record after it says whether the slot moved with it. */
async function readRevoked(deps: NotifyDeps, record: AuditRecord): Promise<RevokedNotice> {
  const model = record.model ?? modelOf(record.subject);
  const environment = String(record.data["environment"]);
  const move = await moveOfRevocation(deps.db, record);
  const slot = await deps.db
    .selectFrom("slots")
    .select("champion_version")
    .where("model", "=", model)
    .where("environment", "=", environment)
    .executeTakeFirst();
  const champion = slot?.champion_version ?? null;
  return {
    kind: "revoked",
    model,
    environment,
    version: record.subject,
    by: record.actor,
    why: String(record.data["why"]),
    at: record.at,
    serves: move === null ? champion : move.kind === "deployment.withdrawn" ? null : move.subject,
    served: move !== null,
    links: modelLinks(deps, model),
  };
}

function withdrawnOf(deps: NotifyDeps, record: AuditRecord): WithdrawnNotice {
  const { environment, reason } = record.data;
  const model = record.model ?? modelOf(record.subject);
  return {
    kind: "withdrawn",
    model,
    environment: String(environment),
    version: record.subject,
    by: record.actor,
    reason: String(reason),
    at: record.at,
    links: modelLinks(deps, model),
  };
}

function modelLinks(deps: NotifyDeps, model: string): { console: string; temporal: string } {
  return { console: consoleLink(deps, `/models/${model}`), temporal: temporalLink(deps, workflowIds.lifecycle(model)) };
}
