import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { Exclusion, GateRequest } from "../../domain/gate.ts";
import { gateId, type Digest, type GateId, type ReleaseId } from "../../domain/ids.ts";
import type { PolicyGate } from "../../domain/policy.ts";
import { requestChanges } from "../../domain/request-changes.ts";
import type { FrozenGate, GateNotNeeded } from "../contract.ts";
import type { RecordDeps } from "../record/deps.ts";
import { needRelease, readPinned } from "../record/pinned-release.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { isNeeded } from "../../approvals/gates-needed.ts";
import { gatherEvidence } from "./evidence.ts";
import { insertGate, nextNumber } from "./insert-gate.ts";

/**
 * Builds the next request of a release's gate and freezes it: what is asked, why now, on which
 * evidence, who decides and who may not. All of it comes from the database and the artifact store.
 * While a request of this gate is not closed, that one is the answer, and where people answered it about the
 * same bytes, their answer is: a release that is started again asks nobody twice. Where the policy's condition
 * does not call for the gate, that is put on record instead.
 */
export async function freezeGate(
  deps: RecordDeps,
  { release, gate }: { release: ReleaseId; gate: string },
): Promise<FrozenGate | GateNotNeeded> {
  return inTransaction(deps.db, async (unit) => {
    const { trx } = unit;
    const row = await needRelease(trx, release);
    if (row.state === "ended") throw new CountersignError("not-active", `${release} has ended.`);
    const last = await readLast(trx, release, gate);
    if (last && last.state !== "closed") return { gate: last.id, digest: last.request_digest, verdict: verdictOf(last) };
    if (last && (await isAnswered(trx, row, last)))
      return { gate: last.id, digest: last.request_digest, verdict: verdictOf(last), ...answerOf(last) };
    const asked = (await readPinned(trx, release)).gates.find((one) => one.name === gate);
    if (!asked) throw new CountersignError("invalid", `The policy of ${release} has no gate ${gate}.`);
    await refuseEarly(trx, row, asked);
    // What was once asked is asked again; what was found unnecessary is looked at again, because facts come later.
    const notNeeded = last ? null : await whyNotNeeded(unit, row, asked);
    return notNeeded === null ? freeze(deps, unit, { row, asked, last }) : { notNeeded };
  });
}

/** A gate comes up when its stage is behind the release, and not before: its subject, its evidence and its condition are what that stage left. */
async function refuseEarly(trx: Trx, row: Row<"releases">, { name, after }: PolicyGate): Promise<void> {
  const stage = await trx
    .selectFrom("release_stages")
    .select("state")
    .where("release_id", "=", row.id)
    .where("stage", "=", after)
    .executeTakeFirst();
  const isBehind = stage?.state === "done" || stage?.state === "skipped";
  if (isBehind && (after !== "evaluate" || (await isEvaluated(trx, row.id)))) return;
  throw new CountersignError("not-active", `The gate ${name} of ${row.id} comes after the stage ${after}, which is not done.`);
}

async function isEvaluated(trx: Trx, release: ReleaseId): Promise<boolean> {
  const version = await trx
    .selectFrom("versions")
    .select("evaluation_digest")
    .where("release_id", "=", release)
    .executeTakeFirst();
  return typeof version?.evaluation_digest === "string";
}

function verdictOf(gate: Row<"gates">): FrozenGate["verdict"] {
  return gate.request.evidence.recommendation.verdict;
}

function answerOf({ resolution }: Row<"gates">): Pick<FrozenGate, "resolution"> {
  return resolution === null ? {} : { resolution };
}

/** A request that was superseded was not answered; one about other bytes answers nothing about these. */
async function isAnswered(trx: Trx, row: Row<"releases">, last: Row<"gates">): Promise<boolean> {
  if (last.resolution === null || last.resolution === "superseded") return false;
  if (last.subject_kind !== "version") return (await readData(trx, row)).digest === last.subject_digest;
  const version = await trx.selectFrom("versions").select("digest").where("release_id", "=", row.id).executeTakeFirst();
  return version?.digest === last.subject_digest;
}

async function readLast(trx: Trx, release: ReleaseId, gate: string): Promise<Row<"gates"> | undefined> {
  return trx
    .selectFrom("gates")
    .selectAll()
    .where("release_id", "=", release)
    .where("name", "=", gate)
    .orderBy("number", "desc")
    .limit(1)
    .executeTakeFirst();
}

async function whyNotNeeded({ trx, note }: Unit, row: Row<"releases">, asked: PolicyGate): Promise<string | null> {
  if (asked.when === undefined) return null;
  const before = await trx
    .selectFrom("gates_not_needed")
    .select("why")
    .where("release_id", "=", row.id)
    .where("name", "=", asked.name)
    .executeTakeFirst();
  const { needed, why, facts } = await isNeeded(trx, row, asked);
  if (needed) return null;
  if (before) return before.why;
  const policy = { policy_id: row.policy_id, policy_version: row.policy_version };
  await trx
    .insertInto("gates_not_needed")
    .values({ release_id: row.id, name: asked.name, why, facts: JSON.stringify(facts), ...policy })
    .execute();
  note({
    kind: "gate.not-needed",
    actor: "countersign",
    model: row.model,
    subject: row.id,
    data: { gate: asked.name, why, facts },
  });
  return why;
}

interface Asked {
  row: Row<"releases">;
  asked: PolicyGate;
  /** The request before, of this gate; undefined for the first. */
  last: Row<"gates"> | undefined;
}

async function freeze(deps: RecordDeps, unit: Unit, { row, asked, last }: Asked): Promise<FrozenGate> {
  const { trx } = unit;
  const version = await trx.selectFrom("versions").selectAll().where("release_id", "=", row.id).executeTakeFirst();
  const policy = await readPolicy(trx, row);
  const evaluation = version?.evaluation_digest ? await deps.store.getJson<Evaluation>(version.evaluation_digest) : null;
  const { environment } = await readPinned(trx, row.id);
  const model = await trx.selectFrom("models").select("owner_team").where("name", "=", row.model).executeTakeFirstOrThrow();
  const evidence = await gatherEvidence(trx, {
    release: row,
    version: version ?? null,
    policy: policy.body,
    environment,
    evaluation,
    store: deps.store,
  });
  const before = last ?? (await readParentGate(trx, row, asked.name));
  const number = await nextNumber(trx, { model: row.model, release: row.id, name: asked.name });
  const id = gateId(row.id, asked.name, number);
  const frozen = await insertGate(unit, {
    id,
    number,
    subject: version ? { kind: "version", id: version.id, digest: version.digest } : await readData(trx, row),
    model: row.model,
    release: row.id,
    rule: asked,
    policy: { id: policy.id, version: policy.version, digest: policy.digest },
    why: `${row.requested_by} requested ${row.id} (${row.trigger}): ${row.reason}`,
    evidence,
    excluded: await readExclusions(trx, row.id),
    ownerTeam: model.owner_team,
    ...(before && { changed: { gate: before.id, changes: requestChanges(before.request.evidence, evidence) } }),
  });
  await trx
    .updateTable("gates")
    .set({ superseded_by: id })
    .where("release_id", "=", row.id)
    .where("name", "=", asked.name)
    .where("resolution", "=", "superseded")
    .where("superseded_by", "is", null)
    .execute();
  return { ...frozen, verdict: evidence.recommendation.verdict };
}

async function readPolicy(trx: Trx, row: Row<"releases">): Promise<Row<"policies">> {
  return trx
    .selectFrom("policies")
    .selectAll()
    .where("id", "=", row.policy_id)
    .where("version", "=", row.policy_version)
    .executeTakeFirstOrThrow();
}

/** Before there is a version, what is asked about is the data that it would be made of. */
async function readData(trx: Trx, row: Row<"releases">): Promise<GateRequest["subject"]> {
  const ingested = await trx
    .selectFrom("release_stages")
    .select("result")
    .where("release_id", "=", row.id)
    .where("stage", "=", "ingest")
    .executeTakeFirst();
  const dataset = ingested?.result?.["dataset"];
  if (typeof dataset !== "string")
    throw new CountersignError("internal", `${row.id} has neither a version nor data to decide on.`);
  // A digest by its origin: the ingest stage's result.
  return { kind: "dataset", id: row.id, digest: dataset as Digest };
}

/** The gate of the same name at which the parent's reviewers asked for changes. */
async function readParentGate(
  trx: Trx,
  row: Row<"releases">,
  name: string,
): Promise<{ id: GateId; request: GateRequest } | undefined> {
  if (row.parent === null) return undefined;
  return trx
    .selectFrom("gates")
    .select(["id", "request"])
    .where("release_id", "=", row.parent)
    .where("name", "=", name)
    .orderBy("number", "desc")
    .limit(1)
    .executeTakeFirst();
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
