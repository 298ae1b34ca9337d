import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { reviewName, reviewRule } from "../../domain/break-glass.ts";
import { digestOfJson } from "../../domain/digest.ts";
import type { Digest, GateId, PrincipalId } from "../../domain/ids.ts";
import { gatherEvidence } from "../gate/evidence.ts";
import { insertGate, nextNumber, type NewGate } from "../gate/insert-gate.ts";
import { openFinding } from "../record/findings.ts";
import type { Unit } from "../record/transaction.ts";
import type { EvaluationRead } from "./read-evaluation.ts";

/** What was done, as the review shows it. */
export interface Broken extends EvaluationRead {
  deployment: string;
  action: "promote" | "rollback";
  by: PrincipalId;
  reason: string;
  environment: string;
  version: Row<"versions">;
  previous: string | null;
  epoch: number;
  approval: string;
}

/** Freezes the review of what was just done, in its transaction, and opens the finding that it answers. */
export async function openReview(unit: Unit, broken: Broken): Promise<{ gate: GateId; digest: Digest }> {
  const frozen = await freeze(unit, broken, null);
  const { by, version, environment, deployment, action } = broken;
  const did = action === "promote" ? "promoted" : "rolled back to";
  await openFinding(unit, {
    model: version.model,
    kind: "break-glass",
    title: `${by} ${did} ${version.id} in ${environment} by break-glass; ${frozen.gate} reviews it.`,
    key: `break-glass.${deployment}`,
    gate: frozen.gate,
    version: version.id,
    by,
  });
  return frozen;
}

/** Asks anew what a request asked that nobody could decide on any more. */
export async function renewReview(unit: Unit, old: Row<"gates">, broken: Broken): Promise<{ gate: GateId; digest: Digest }> {
  const why = old.outcome?.reason ?? "its workflow ended in silence";
  const frozen = await freeze(unit, broken, { gate: old.id, changes: [`The request before it was closed: ${why}`] });
  await unit.trx.updateTable("gates").set({ superseded_by: frozen.gate }).where("id", "=", old.id).execute();
  return frozen;
}

async function freeze(unit: Unit, broken: Broken, changed: NewGate["changed"]): Promise<{ gate: GateId; digest: Digest }> {
  const { trx } = unit;
  const { version, by, reason, action, environment, deployment } = broken;
  const { model } = version;
  const release = await trx.selectFrom("releases").selectAll().where("id", "=", version.release_id).executeTakeFirstOrThrow();
  const policy = await trx
    .selectFrom("policies")
    .selectAll()
    .where("id", "=", release.policy_id)
    .where("version", "=", release.policy_version)
    .executeTakeFirstOrThrow();
  const number = await nextNumber(trx, { model, release: null, name: reviewName });
  const evidence = await gatherEvidence(trx, {
    release,
    version,
    policy: policy.body,
    environment,
    evaluation: broken.evaluation,
    unreadable: broken.unreadable,
  });
  const owner = await trx.selectFrom("models").select("owner_team").where("name", "=", model).executeTakeFirstOrThrow();
  return insertGate(unit, {
    id: `${model}.${reviewName}.${number}`,
    number,
    subject: { kind: "deployment", id: deployment, digest: digestOf(broken) },
    model,
    release: null,
    rule: reviewRule(policy.body),
    policy: { id: policy.id, version: policy.version, digest: policy.digest },
    ask: `Was it right that ${by} ${action === "promote" ? "promoted" : "rolled back to"} ${version.id} by break-glass?`,
    why: `${by} broke the glass: ${reason}`,
    evidence: { ...evidence, rollbackTarget: broken.previous, details: await detailsOf(trx, broken) },
    excluded: [{ principal: by, why: "broke the glass" }],
    ownerTeam: owner.owner_team,
    ...(changed && { changed }),
  });
}

function digestOf({ deployment, action, by, reason, environment, version, previous, epoch, approval }: Broken): Digest {
  return digestOfJson({
    deployment,
    action,
    by,
    reason,
    environment,
    version: version.id,
    versionDigest: version.digest,
    previous,
    epoch,
    approval,
  });
}

async function detailsOf(trx: Trx, broken: Broken): Promise<{ title: string; text: string }[]> {
  const { action, by, environment, version, previous, epoch } = broken;
  const { rows } = {
    rows: await trx
      .selectFrom("gates")
      .select("resolution")
      .where("model", "=", version.model)
      .where("name", "=", reviewName)
      .execute(),
  };
  const right = rows.filter((row) => row.resolution === "approved").length;
  const did = action === "promote" ? `${version.id} was promoted without its gates` : `traffic went back to ${version.id}`;
  const gone = previous === null ? "nothing served before it" : `${previous} served before it`;
  const undo =
    action === "promote"
      ? `Rejecting revokes the approval and brings ${previous ?? "an empty slot"} back in the same moment, if ${version.id} still serves by it.`
      : `Rejecting brings ${previous ?? "nothing"} back in the same moment, if nothing moved the slot since.`;
  return [
    { title: "What was done", text: `${did} in ${environment} by ${by} (epoch ${epoch}); ${gone}.` },
    { title: "What a rejection does", text: undo },
    {
      title: "How often",
      text:
        rows.length === 0
          ? "Break-glass was never used before on this model."
          : `Break-glass was used ${rows.length === 1 ? "once" : `${rows.length} times`} before on this model; reviews that approved of it: ${right}.`,
    },
  ];
}
