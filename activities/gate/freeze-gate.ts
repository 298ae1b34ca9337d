import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Evaluation, Verdict } from "../../domain/evidence.ts";
import type { Exclusion, GateRequest } from "../../domain/gate.ts";
import { gateId, type Digest, type GateId, type ReleaseId } from "../../domain/ids.ts";
import type { PolicyGate } from "../../domain/policy.ts";
import type { RecordDeps } from "../record/deps.ts";
import { needRelease, readPinned } from "../record/pinned-release.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { gatherEvidence } from "./evidence.ts";

interface Frozen {
  gate: GateId;
  digest: Digest;
  verdict: Verdict;
}

/**
 * Builds the next request of a gate and freezes it: what is asked, why now, on which evidence, who
 * decides and who may not. All of it comes from the database and the artifact store. While a
 * request of this gate is not closed, that one is the answer.
 */
export async function freezeGate(deps: RecordDeps, { release, gate }: { release: ReleaseId; gate: string }): Promise<Frozen> {
  return inTransaction(deps.db, async (unit) => {
    const { trx } = unit;
    const row = await needRelease(trx, release);
    if (row.state === "ended") throw new CountersignError("not-active", `${release} has ended.`);
    const earlier = await trx
      .selectFrom("gates")
      .selectAll()
      .where("release_id", "=", release)
      .where("name", "=", gate)
      .orderBy("number")
      .execute();
    const present = earlier.find((one) => one.state !== "closed");
    if (present)
      return { gate: present.id, digest: present.request_digest, verdict: present.request.evidence.recommendation.verdict };
    const asked = (await readPinned(trx, release)).gates.find((one) => one.name === gate);
    if (!asked) throw new CountersignError("invalid", `The policy of ${release} has no gate ${gate}.`);
    const id = gateId(release, gate, (earlier.at(-1)?.number ?? 0) + 1);
    return insert(unit, { row, asked, id, earlier, request: await buildRequest(deps, trx, { row, asked, id }) });
  });
}

interface Asked {
  row: Row<"releases">;
  asked: PolicyGate;
  id: GateId;
}

async function buildRequest(deps: RecordDeps, trx: Trx, { row, asked, id }: Asked): Promise<GateRequest> {
  const version = await trx.selectFrom("versions").selectAll().where("release_id", "=", row.id).executeTakeFirst();
  if (!version) throw new CountersignError("internal", `${row.id} has no version to decide on.`);
  const policy = await trx
    .selectFrom("policies")
    .selectAll()
    .where("id", "=", row.policy_id)
    .where("version", "=", row.policy_version)
    .executeTakeFirstOrThrow();
  const { environment } = await readPinned(trx, row.id);
  const evaluation = version.evaluation_digest ? await deps.store.getJson<Evaluation>(version.evaluation_digest) : null;
  const opensAt = new Date();
  return {
    gate: id,
    subject: { kind: "version", id: version.id, digest: version.digest },
    ask: asked.ask,
    why: `${row.requested_by} requested ${row.id} (${row.trigger}): ${row.reason}`,
    evidence: await gatherEvidence(trx, { release: row, version, policy: policy.body, environment, evaluation }),
    policy: { id: policy.id, version: policy.version, digest: policy.digest },
    deciders: { groups: asked.groups, quorum: asked.quorum },
    excluded: await readExclusions(trx, row.id),
    opensAt: opensAt.toISOString(),
    deadline: new Date(opensAt.getTime() + asked.deadlineMs).toISOString(),
    onDeadline: asked.onDeadline,
  };
}

/** Everybody who contributed, once each, with all that they did. */
export async function readExclusions(trx: Trx, release: ReleaseId): Promise<Exclusion[]> {
  const rows = await trx
    .selectFrom("contributors")
    .select(["principal_id", "how"])
    .where("release_id", "=", release)
    .orderBy("at")
    .orderBy("how")
    .execute();
  const byPrincipal = Map.groupBy(rows, (row) => row.principal_id);
  return [...byPrincipal].map(([principal, contributions]) => ({
    principal,
    why: contributions.map((one) => one.how).join(" and "),
  }));
}

async function insert({ trx, note }: Unit, given: Asked & { earlier: Row<"gates">[]; request: GateRequest }): Promise<Frozen> {
  const { row, asked, id, earlier, request } = given;
  const digest = digestOfJson(request);
  await trx
    .insertInto("gates")
    .values({
      id,
      release_id: row.id,
      model: row.model,
      name: asked.name,
      number: (earlier.at(-1)?.number ?? 0) + 1,
      subject_kind: request.subject.kind,
      subject_id: request.subject.id,
      subject_digest: request.subject.digest,
      state: "opening",
      request: JSON.stringify(request),
      request_digest: digest,
    })
    .execute();
  await trx
    .updateTable("gates")
    .set({ superseded_by: id })
    .where("release_id", "=", row.id)
    .where("name", "=", asked.name)
    .where("resolution", "=", "superseded")
    .where("superseded_by", "is", null)
    .execute();
  const { verdict } = request.evidence.recommendation;
  note({
    kind: "gate.frozen",
    actor: "countersign",
    model: row.model,
    subject: id,
    data: {
      digest,
      subject: request.subject,
      deciders: request.deciders,
      excluded: request.excluded,
      deadline: request.deadline,
      policy: request.policy,
      verdict,
    },
  });
  return { gate: id, digest, verdict };
}
