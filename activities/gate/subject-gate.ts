import { sql } from "kysely";
import type { Row } from "../../db/schema.ts";
import type { Exclusion, GateEvidence, GateRequest } from "../../domain/gate.ts";
import type { Digest, GateId, ModelName, PrincipalId } from "../../domain/ids.ts";
import type { GateRule, Tier } from "../../domain/policy.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { endUndecided } from "./fall-due.ts";
import { insertGate } from "./insert-gate.ts";

/** What is asked about besides releases, and where its gates' ids begin. */
export type SubjectKind = "policy" | "definition" | "retirement";

export interface SubjectGate {
  kind: SubjectKind;
  /** A policy's id, or a model's name. */
  subject: string;
  digest: Digest;
  model: ModelName | null;
  rule: GateRule;
  policy: GateRequest["policy"];
  ask: string;
  why: string;
  evidence: GateEvidence;
  excluded: Exclusion[];
  ownerTeam: string | null;
}

export interface FrozenSubject {
  gate: GateId;
  digest: Digest;
  /** The request that this one replaces, whose workflow is to be told. */
  ended: GateId | null;
}

export const gateIdOf: Record<SubjectKind, (subject: string, request: number) => GateId> = {
  policy: (policy, request) => `policy.${policy}.${request}`,
  definition: (model, request) => `${model}.definition.${request}`,
  retirement: (model, request) => `${model}.retirement.${request}`,
};

/** Freezes the next request about a policy, a definition or a retirement; one that waits is superseded by it. */
export async function freezeSubjectGate(deps: RecordDeps, unit: Unit, asked: SubjectGate): Promise<FrozenSubject> {
  const { kind, subject } = asked;
  const waiting = await endSubjectGate(deps, unit, {
    kind,
    subject,
    resolution: "superseded",
    why: "Something newer was proposed in its place.",
  });
  const number = await nextRequest(unit, kind, subject);
  const { gate, digest } = await insertGate(unit, {
    id: gateIdOf[kind](subject, number),
    number,
    subject: { kind, id: subject, digest: asked.digest },
    model: asked.model,
    release: null,
    rule: asked.rule,
    policy: asked.policy,
    ask: asked.ask,
    why: asked.why,
    evidence: asked.evidence,
    excluded: asked.excluded,
    ownerTeam: asked.ownerTeam,
  });
  if (waiting) await unit.trx.updateTable("gates").set({ superseded_by: gate }).where("id", "=", waiting).execute();
  return { gate, digest, ended: waiting };
}

/** Closes the request that waits about a subject, if there is one, and gives its id. */
export async function endSubjectGate(
  deps: RecordDeps,
  unit: Unit,
  ended: { kind: SubjectKind; subject: string; resolution: "superseded" | "withdrawn"; why: string },
): Promise<GateId | null> {
  const { kind, subject, resolution, why } = ended;
  const row = await readWaiting(unit, kind, subject);
  if (!row) return null;
  await endUndecided({ deps, unit, gate: row }, { resolution, why });
  return row.id;
}

export async function readWaiting({ trx }: Unit, kind: SubjectKind, subject: string): Promise<Row<"gates"> | undefined> {
  return trx
    .selectFrom("gates")
    .selectAll()
    .where("subject_kind", "=", kind)
    .where("subject_id", "=", subject)
    .where("state", "<>", "closed")
    .forNoKeyUpdate()
    .executeTakeFirst();
}

async function nextRequest({ trx }: Unit, kind: SubjectKind, subject: string): Promise<number> {
  const { rows } = await sql<{ last: number | null }>`
    select max(number) as last from gates where subject_kind = ${kind} and subject_id = ${subject}`.execute(trx);
  return (rows[0]?.last ?? 0) + 1;
}

/** Evidence of something that no stage made: what it says, in sections, and who asks for it. */
export function subjectEvidence(of: {
  tier: Tier;
  tierReason: string;
  sentence: string;
  lineage: GateEvidence["lineage"];
  champion?: string | null;
  by: PrincipalId;
  trigger: string;
  reason: string;
  details: { title: string; text: string }[];
}): GateEvidence {
  return {
    recommendation: { verdict: "warn", sentence: of.sentence },
    evaluation: null,
    evaluationBody: null,
    stages: [],
    lineage: of.lineage,
    tier: of.tier,
    tierReason: of.tierReason,
    champion: of.champion ?? null,
    rollbackTarget: null,
    trainingMs: null,
    trigger: of.trigger,
    requestedBy: of.by,
    reason: of.reason,
    parent: null,
    parentRequest: null,
    parameters: {},
    previousDecisions: [],
    details: of.details,
  };
}
