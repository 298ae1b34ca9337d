import type { Row } from "../../db/schema.ts";
import type { GateId } from "../../domain/ids.ts";
import type { GateRule } from "../../domain/policy.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { freezeSubjectGate, readWaiting, subjectEvidence, type FrozenSubject } from "./subject-gate.ts";

interface AskedRetirement {
  command: CommandOf<"pause" | "resume" | "retire">;
  model: Row<"models">;
  policy: Row<"policies">;
  rule: GateRule;
}

/** The request about retiring a model; one that waits already is the answer, with no digest: its workflow runs. */
export async function freezeRetirementGate(
  deps: RecordDeps,
  unit: Unit,
  asked: AskedRetirement,
): Promise<FrozenSubject | { gate: GateId; digest: null }> {
  const { command, model, policy, rule } = asked;
  const waiting = await readWaiting(unit, "retirement", model.name);
  if (waiting) return { gate: waiting.id, digest: null };
  const { reason } = command.body;
  const slots = await unit.trx.selectFrom("slots").selectAll().where("model", "=", model.name).orderBy("environment").execute();
  const serving = slots.flatMap((slot) =>
    slot.champion_version === null ? [] : [`${slot.champion_version} in ${slot.environment}`],
  );
  const frozen = await freezeSubjectGate(deps, unit, {
    kind: "retirement",
    subject: model.name,
    digest: model.definition_digest,
    model: model.name,
    rule,
    policy: { id: policy.id, version: policy.version, digest: policy.digest },
    ask: rule.ask,
    why: `${command.principal} asked to retire ${model.name}: ${reason}`,
    evidence: subjectEvidence({
      tier: model.tier,
      tierReason: `The definition of ${model.name} names the tier ${model.tier} and the maturity ${model.maturity}, so the policy ${policy.id} ${policy.version} applies.`,
      sentence: "A retired model takes no release and no definition any more; that is for ever.",
      lineage: [{ name: "definition", digest: model.definition_digest }],
      champion: slots.find((slot) => slot.environment === model.environment)?.champion_version ?? null,
      by: command.principal,
      trigger: command.surface,
      reason,
      details: [{ title: "What serves now", text: serving.join("\n") || "Nothing." }],
    }),
    excluded: [{ principal: command.principal, why: "asked to retire the model" }],
    ownerTeam: model.owner_team,
  });
  unit.note({
    kind: "retirement.proposed",
    actor: command.principal,
    model: model.name,
    subject: model.name,
    data: { command: command.id, gate: frozen.gate, reason },
  });
  return frozen;
}
