import type { Trx } from "../../db/database.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { timelineOf } from "../../domain/gate-timeline.ts";
import type { Exclusion, GateEvidence, GateRequest } from "../../domain/gate.ts";
import type { Digest, GateId, ModelName, ReleaseId } from "../../domain/ids.ts";
import { ownerTeam as ownerToken, type Deciders, type GateRule, type PolicyGate } from "../../domain/policy.ts";
import type { Unit } from "../record/transaction.ts";

export interface NewGate {
  id: GateId;
  number: number;
  subject: GateRequest["subject"];
  model: ModelName | null;
  release: ReleaseId | null;
  rule: GateRule | PolicyGate;
  policy: GateRequest["policy"];
  /** In place of the rule's own. */
  ask?: string;
  why: string;
  evidence: GateEvidence;
  excluded: Exclusion[];
  /** The team that owns the subject: what `$owner` stands for, and who may escalate. */
  ownerTeam: string | null;
  changed?: GateRequest["changed"];
}

/** Freezes a request: its digest is over all of it, and from here on nobody can edit it. The gate's workflow opens it. */
export async function insertGate(unit: Unit, gate: NewGate): Promise<{ gate: GateId; digest: Digest }> {
  const { number, release, model, rule } = gate;
  return insertRequest(unit, { request: requestOf(gate, new Date().toISOString()), name: rule.name, number, release, model });
}

export interface NewRequest {
  request: GateRequest;
  name: string;
  number: number;
  model: ModelName | null;
  release: ReleaseId | null;
}

/** The row of a frozen request, and that it was frozen. */
export async function insertRequest({ trx, note }: Unit, given: NewRequest): Promise<{ gate: GateId; digest: Digest }> {
  const { request, name, number, model, release } = given;
  const { gate: id, subject, deciders, excluded, deadline, policy, evidence, changed } = request;
  const digest = digestOfJson(request);
  await trx
    .insertInto("gates")
    .values({
      id,
      release_id: release,
      model,
      name,
      number,
      subject_kind: subject.kind,
      subject_id: subject.id,
      subject_digest: subject.digest,
      state: "opening",
      request: JSON.stringify(request),
      request_digest: digest,
    })
    .execute();
  note({
    kind: "gate.frozen",
    actor: "countersign",
    model,
    subject: id,
    data: {
      digest,
      subject,
      deciders,
      excluded,
      deadline,
      policy,
      verdict: evidence.recommendation.verdict,
      ...(changed && { changed }),
    },
  });
  return { gate: id, digest };
}

/** All times of a request that opens at this moment. */
export function timesOf(rule: GateRule, opensAt: string): Pick<GateRequest, "opensAt" | "deadline" | "timeline" | "expiresAt"> {
  const from = new Date(opensAt).getTime();
  return {
    opensAt,
    deadline: new Date(from + rule.deadlineMs).toISOString(),
    timeline: timelineOf(rule, opensAt),
    expiresAt: rule.maxAgeMs === undefined ? null : new Date(from + rule.maxAgeMs).toISOString(),
  };
}

function requestOf(gate: NewGate, opensAt: string): GateRequest {
  const { id, subject, rule, why, evidence, policy, excluded, ownerTeam, changed } = gate;
  const team = (groups: string[]) =>
    groups.flatMap((group) => (group !== ownerToken ? [group] : ownerTeam === null ? [] : [ownerTeam]));
  const escalation = (rule.escalation ?? []).map((step) => ({ ...step, groups: team(step.groups) }));
  return {
    gate: id,
    subject,
    ask: gate.ask ?? rule.ask,
    why,
    evidence,
    policy,
    deciders: decidersOf(rule, team),
    excluded,
    ...timesOf(rule, opensAt),
    onDeadline: rule.onDeadline,
    escalation,
    inputs: rule.inputs ?? [],
    conditional: rule.conditional ?? null,
    ownerTeam,
    ...("freshness" in rule && rule.freshness && { freshness: rule.freshness }),
    ...("changes" in rule && rule.changes && { changes: rule.changes }),
    ...(changed && { changed }),
  };
}

/** Only what the rule says: a part that is empty asks nothing of anybody. */
function decidersOf(rule: GateRule, team: (groups: string[]) => string[]): Deciders {
  const { groups, quorum, people = [], oneFromEach = [], barred, machines, rejections = 1 } = rule;
  return {
    groups: team(groups),
    quorum,
    ...(people.length > 0 && { people }),
    ...(oneFromEach.length > 0 && { oneFromEach: team(oneFromEach) }),
    ...(barred && barred.groups.length + barred.people.length > 0 && { barred: { ...barred, groups: team(barred.groups) } }),
    ...(machines === true && { machines }),
    ...(rejections > 1 && { rejections }),
  };
}

/** One more than the last request of this name about this model (or, of a release, about this release). */
export async function nextNumber(
  trx: Trx,
  of: { model: ModelName | null; release: ReleaseId | null; name: string },
): Promise<number> {
  const row = await trx
    .selectFrom("gates")
    .select((eb) => eb.fn.max("number").as("last"))
    .where("name", "=", of.name)
    .where("model", of.model === null ? "is" : "=", of.model)
    .where("release_id", of.release === null ? "is" : "=", of.release)
    .executeTakeFirst();
  return (row?.last ?? 0) + 1;
}
