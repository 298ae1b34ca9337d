import { readReleaseFacts, readReleases, type ReleaseFacts, type ReleaseRow } from "../db/reads/releases.ts";
import { CountersignError } from "../domain/errors.ts";
import type { Page } from "../domain/http/record-views.ts";
import type { ReleaseItemView, ReleaseView } from "../domain/http/release-views.ts";
import { releaseIdPattern, type ReleaseId } from "../domain/ids.ts";
import { actionsOf, type ReleaseAction } from "../domain/lifecycle.ts";
import { mayDo } from "../domain/principal.ts";
import { stages, type Stage } from "../domain/stages.ts";
import type { Caller } from "./caller.ts";
import type { PageInput, ReleaseFilter } from "./filters.ts";
import { pageOf, placeOf } from "./cursor.ts";
import type { ControlContext } from "./deps.ts";
import { releaseLinks } from "./links.ts";
import { readLiveLog } from "./live-log.ts";
import { listScopeOf, notFound, requireScope, scopeOf } from "./read-rights.ts";

export async function listReleases(
  context: ControlContext,
  caller: Caller,
  filter: PageInput & ReleaseFilter,
): Promise<Page<ReleaseItemView>> {
  requireScope(caller, "read");
  const { limit, after, model, state, underWay } = filter;
  const rows = await readReleases(context.db, await listScopeOf(context, caller.principal), {
    limit: limit + 1,
    after: placeOf(after),
    model,
    state,
    underWay,
  });
  return pageOf(rows, limit, { item: (row) => itemOf(context, caller, row), cursor: (row) => [row.place, row.id] });
}

/** A release with its stages and gates. Throws `not-found`. */
export async function readRelease(context: ControlContext, caller: Caller, release: ReleaseId): Promise<ReleaseView> {
  requireScope(caller, "read");
  return findRelease(context, caller, release);
}

/** The same for a command, whose token needs no right to read. */
export async function findRelease(context: ControlContext, caller: Caller, release: ReleaseId): Promise<ReleaseView> {
  const row = await needRow(context, caller, release);
  const facts = await readReleaseFacts(context.db, release);
  const item = itemOf(context, caller, row);
  return {
    ...item,
    blocked: item.blocked && {
      ...item.blocked,
      logTail: item.blocked.logTail ?? (await tailOf(context, facts, item.blocked.stage)),
    },
    stages: stages.map((stage) => stageOf(stage, facts)),
    gates: facts.gates,
    contributors: facts.contributors,
  };
}

const tailLines = 20;
const tailCharacters = 2_000;

/** The end of what the failed stage printed. It may quote data, so no record holds it: it is read where reading is allowed. */
async function tailOf({ store }: ControlContext, facts: ReleaseFacts, stage: string): Promise<string | null> {
  const log = facts.stages.find((row) => row.stage === stage)?.log;
  if (!log) return null;
  const text = await store.getText(log).catch(() => null);
  return text === null ? null : lastLines(text.trimEnd(), tailLines).slice(-tailCharacters);
}

/** The log of one stage, or of the last that has one; with `tail` its last lines. Throws `not-found`. */
export async function readReleaseLog(
  context: ControlContext,
  caller: Caller,
  wanted: { release: ReleaseId; stage?: Stage | undefined; tail?: number | undefined },
): Promise<string> {
  requireScope(caller, "read");
  await needRow(context, caller, wanted.release);
  const { stages: rows } = await readReleaseFacts(context.db, wanted.release);
  const logged = stages.filter((stage) => rows.some((row) => row.stage === stage && row.log !== null));
  const stage = wanted.stage ?? logged.at(-1);
  const log = rows.find((row) => row.stage === stage)?.log;
  const running = wanted.stage ?? rows.find((row) => row.state === "running")?.stage;
  if (!log || (wanted.stage === undefined && running !== undefined)) {
    const live = running === undefined ? null : await readLiveLog(context, wanted.release, running);
    if (live !== null) return wanted.tail === undefined ? live : lastLines(live, wanted.tail);
  }
  if (!log)
    throw new CountersignError(
      "not-found",
      `${wanted.stage ? `The ${wanted.stage} stage` : "No stage"} of ${wanted.release} has ${wanted.stage ? "no" : "a"} log.`,
    );
  const text = await context.store.getText(log);
  return wanted.tail === undefined ? text : lastLines(text, wanted.tail);
}

function lastLines(text: string, count: number): string {
  const lines = text.split("\n");
  const ends = lines.at(-1) === "" ? 1 : 0;
  return lines.slice(-(count + ends)).join("\n");
}

async function needRow(context: ControlContext, caller: Caller, release: ReleaseId): Promise<ReleaseRow> {
  const scope = scopeOf(caller.principal);
  const [row] = releaseIdPattern.test(release)
    ? await readReleases(context.db, scope, { limit: 1, after: null, id: release })
    : [];
  if (!row) throw notFound("release", release);
  return row;
}

function stageOf(stage: Stage, facts: ReleaseFacts): ReleaseView["stages"][number] {
  const row = facts.stages.find((one) => one.stage === stage);
  return {
    stage,
    state: row?.state ?? "pending",
    startedAt: row?.started_at?.toISOString() ?? null,
    endedAt: row?.ended_at?.toISOString() ?? null,
    attempts: row?.attempts ?? 0,
    summary: row?.summary ?? null,
    hasLog: row?.log != null,
  };
}

function itemOf(context: ControlContext, caller: Caller, row: ReleaseRow): ReleaseItemView {
  return {
    id: row.id,
    model: row.model,
    number: row.number,
    state: row.state,
    outcome: row.outcome,
    parent: row.parent,
    next: row.next,
    stage: row.stage,
    version: row.version,
    trigger: row.trigger,
    reason: row.reason,
    requestedBy: row.requested_by,
    parameters: row.parameters,
    definitionDigest: row.definition_digest,
    policy: { id: row.policy_id, version: row.policy_version },
    waitsFor: row.ahead === null ? row.waits_for : queuedBehind(row.ahead),
    behind: row.ahead && { release: row.ahead.id, blocked: row.ahead.blocked && causeOf(row.ahead.blocked) },
    blocked: row.blocked,
    actions: actionsOf(row.state).filter((action) => mayAct(caller, row, action)),
    createdAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    links: releaseLinks(context, row.id),
  };
}

/** Only what is said of it elsewhere: a log may quote data. */
function causeOf({ stage, message, cure }: NonNullable<ReleaseRow["blocked"]>) {
  return { stage, message, cure };
}

function queuedBehind({ id, blocked }: NonNullable<ReleaseRow["ahead"]>): string {
  return `Queued behind ${id}${blocked === null ? "." : `, which is blocked at ${blocked.stage}: ${blocked.message}`}`;
}

function mayAct(caller: Caller, row: ReleaseRow, action: ReleaseAction): boolean {
  if (action === "withdraw") return mayDo(caller.principal, "release");
  if (action === "skip" && row.blocked?.skippable !== true) return false;
  return mayDo(caller.principal, "unblock");
}
