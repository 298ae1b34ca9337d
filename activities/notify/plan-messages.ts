import type { Trx } from "../../db/database.ts";
import {
  lockCursor,
  moveCursor,
  readDue,
  readFactsAfter,
  readMessagesAbout,
  readNextDue,
  wantMessages,
  wantNewer,
  type AuditFact,
  type DueMessage,
} from "../../db/deliveries.ts";
import { readAttempt, escalatedTo } from "../../db/reads/attempt-facts.ts";
import type { AuditRecord } from "../../domain/audit-events.ts";
import type { NoticeKind } from "../../domain/notices.ts";
import { failureOf } from "../record/faults.ts";
import type { NotifyDeps } from "./deps.ts";
import { deciderDestinations, teamDestinations, type Destination } from "./destinations.ts";
import { followsRevocation } from "./revocation.ts";

/** Records read in one round; there is another round at once when there were so many. */
const recordsARound = 500;
/** Messages of a lane that are handed out at once: what is decided meanwhile waits for no more than these. */
const mostALane = 8;
const mostLanes = 24;

/** What the planner looks at; everything else in the chain concerns nobody's messages. */
export const plannedKinds = [
  "gate.frozen",
  "gate.opened",
  "gate.decided",
  "vote.cast",
  "decision.withdrawn",
  "gate.closed",
  "gate.reminded",
  "gate.escalated",
  "gate.overdue",
  "gate.stale",
  "release.blocked",
  "release.unblocked",
  "release.ended",
  "deployment.rolled-back",
  "deployment.withdrawn",
  "approval.revoked",
  "monitor.looked",
] as const;

/** Reads the audit chain on from where it was left, puts what is to be told into the outbox, and gives what is due. */
export async function planMessages(deps: NotifyDeps): Promise<{ due: DueMessage[]; nextMs: number | null; more: boolean }> {
  try {
    const more = await deps.db.transaction().execute(async (trx) => {
      const from = await lockCursor(trx);
      const facts = await readFactsAfter(trx, from, recordsARound);
      for (const fact of facts) await planFact(deps, trx, fact);
      const last = facts.at(-1);
      if (last) await moveCursor(trx, last.seq);
      return facts.length === recordsARound;
    });
    const due = await readDue(deps.db, { aLane: mostALane, lanes: mostLanes });
    return { due, nextMs: await readNextDue(deps.db), more };
  } catch (error) {
    throw failureOf(error);
  }
}

/** Which messages a record brings about or changes. */
async function planFact(deps: NotifyDeps, trx: Trx, fact: AuditFact): Promise<void> {
  switch (fact.kind) {
    case "gate.opened":
      return planGate(deps, trx, fact);
    case "gate.frozen":
      return planFrozen(trx, fact);
    case "gate.decided":
    case "vote.cast":
    case "decision.withdrawn":
    case "gate.stale":
      return wantNewer(trx, { notice: "gate", subject: fact.subject, event: fact.seq });
    case "gate.closed":
    case "gate.reminded":
    case "gate.overdue":
      await wantNewer(trx, { notice: "gate", subject: fact.subject, event: fact.seq });
      return planGateEvent(deps, trx, { fact, gate: fact.subject });
    case "gate.escalated":
      await wantNewer(trx, { notice: "gate", subject: fact.subject, event: fact.seq });
      await planDirect(deps, trx, fact);
      return planGateEvent(deps, trx, { fact, gate: fact.subject });
    case "release.blocked":
      return planOnce(deps, trx, { fact, notice: "blocked" });
    case "release.unblocked":
      return wantNewer(trx, { notice: "blocked", subject: fact.subject, event: fact.seq });
    case "release.ended":
      return planEnd(deps, trx, fact);
    case "deployment.rolled-back":
      return (await followsRevocation(trx, recordOf(fact))) ? undefined : planOnce(deps, trx, { fact, notice: "rolled-back" });
    case "deployment.withdrawn":
      return (await followsRevocation(trx, recordOf(fact))) ? undefined : planOnce(deps, trx, { fact, notice: "withdrawn" });
    case "approval.revoked":
      return planOnce(deps, trx, { fact, notice: "revoked" });
    case "monitor.looked":
      return (await isNewDrift(trx, fact)) ? planOnce(deps, trx, { fact, notice: "drift" }) : undefined;
  }
}

/** The message with the buttons, in the channel and to those who want it themselves; mails and webhooks once. */
async function planGate(deps: NotifyDeps, trx: Trx, fact: AuditFact): Promise<void> {
  const team = await teamDestinations(deps, trx, fact.model);
  const slack = [...team.filter(({ way }) => way === "slack"), ...(await directOf(deps, trx, fact))];
  await wantMessages(trx, [
    ...slack.filter(({ way }) => way === "slack").map((one) => gateMessage(fact, one)),
    ...[...team, ...slack].filter(({ way }) => way !== "slack").map((one) => onceMessage(fact, "gate-event", one)),
  ]);
}

function gateMessage(fact: AuditFact, { way, destination }: Destination) {
  const about = { notice: "gate" as const, subject: fact.subject, model: fact.model, event: fact.seq };
  return { id: `gate/${fact.subject}/${way}/${destination}`, ...about, way, destination, parent: null };
}

function onceMessage(fact: AuditFact, notice: NoticeKind, at: Destination & { subject?: string }) {
  const { way, destination, subject = fact.subject } = at;
  const id = `${notice}/${subject}/${fact.seq}/${way}/${destination}`;
  return { id, notice, subject, model: fact.model, event: fact.seq, way, destination, parent: null };
}

async function directOf(deps: NotifyDeps, trx: Trx, fact: AuditFact): Promise<Destination[]> {
  const row = await readAttempt(trx, fact.subject, "");
  if (!row) return [];
  const excluded = [...row.request.excluded, ...row.contributed].map((one) => one.principal);
  return deciderDestinations(deps, trx, { deciders: row.request.deciders, escalatedTo: escalatedTo(row), excluded });
}

/** Who decides besides from now on gets a message of their own too. */
async function planDirect(deps: NotifyDeps, trx: Trx, fact: AuditFact): Promise<void> {
  const direct = await directOf(deps, trx, fact);
  await wantMessages(
    trx,
    direct.filter(({ way }) => way === "slack").map((one) => gateMessage(fact, one)),
  );
}

/** In the thread of every channel's message, and once by the other ways. */
async function planGateEvent(deps: NotifyDeps, trx: Trx, { fact, gate }: { fact: AuditFact; gate: string }): Promise<void> {
  const posted = await readMessagesAbout(trx, { notice: "gate", subject: gate, way: "slack" });
  const others = (await teamDestinations(deps, trx, fact.model)).filter(({ way }) => way !== "slack");
  const direct =
    fact.kind === "gate.closed" || fact.kind === "release.ended" ? [] : await directOf(deps, trx, { ...fact, subject: gate });
  const mails = direct.filter(
    ({ way, destination }) => way === "email" && !others.some((one) => one.destination === destination),
  );
  await wantMessages(trx, [
    ...posted.map(({ id, destination }) => ({
      ...onceMessage(fact, "gate-event", { way: "slack", destination, subject: gate }),
      parent: id,
    })),
    ...[...others, ...mails].map((one) => onceMessage(fact, "gate-event", { ...one, subject: gate })),
  ]);
}

async function planOnce(deps: NotifyDeps, trx: Trx, { fact, notice }: { fact: AuditFact; notice: NoticeKind }): Promise<void> {
  const team = await teamDestinations(deps, trx, fact.model);
  await wantMessages(
    trx,
    team.map((one) => onceMessage(fact, notice, one)),
  );
}

/** A request that was asked anew: the old message points to the new one. */
async function planFrozen(trx: Trx, fact: AuditFact): Promise<void> {
  const older = await trx.selectFrom("gates").select("id").where("superseded_by", "=", fact.subject).execute();
  for (const { id } of older) await wantNewer(trx, { notice: "gate", subject: id, event: fact.seq });
}

/** The end of a release: its blocked message is over, its gate's thread hears what came of it; a rollout that broke off is told by itself. */
async function planEnd(deps: NotifyDeps, trx: Trx, fact: AuditFact): Promise<void> {
  await wantNewer(trx, { notice: "blocked", subject: fact.subject, event: fact.seq });
  if (dataOf(fact)["outcome"] === "aborted") await planOnce(deps, trx, { fact, notice: "aborted" });
  const gate = await trx
    .selectFrom("gates")
    .select("id")
    .where("release_id", "=", fact.subject)
    .where("resolution", "=", "approved")
    .orderBy("closed_at", "desc")
    .limit(1)
    .executeTakeFirst();
  if (gate) await planGateEvent(deps, trx, { fact, gate: gate.id });
}

/** Drift is told when it begins, not at every look that still sees it. */
async function isNewDrift(trx: Trx, fact: AuditFact): Promise<boolean> {
  const { verdict, environment } = dataOf(fact);
  if (verdict !== "drift") return false;
  const before = await trx
    .selectFrom("audit")
    .select("body")
    .where("subject", "=", fact.subject)
    .where("kind", "=", "monitor.looked")
    .where("seq", "<", fact.seq)
    .orderBy("seq", "desc")
    .limit(20)
    .execute();
  const last = before
    .map((row) => dataOf(row))
    .find((data) => data["environment"] === environment && data["verdict"] !== "too-few");
  return last?.["verdict"] !== "drift";
}

function dataOf({ body }: Pick<AuditFact, "body">): Record<string, unknown> {
  return recordOf({ body }).data;
}

function recordOf({ body }: Pick<AuditFact, "body">): AuditRecord {
  // Written by `appendAudit` alone, as the chain proves.
  return JSON.parse(body) as AuditRecord;
}
