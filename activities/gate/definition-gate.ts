import type { Row } from "../../db/schema.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { differenceInWords, documentDifferences } from "../../domain/document-diff.ts";
import type { GovernedChange } from "../../domain/governed-changes.ts";
import type { Digest } from "../../domain/ids.ts";
import type { GateRule } from "../../domain/policy.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { keepDefinition } from "../record/write-definition.ts";
import { freezeSubjectGate, subjectEvidence, type FrozenSubject } from "./subject-gate.ts";

interface LoosenedDefinition {
  command: CommandOf<"apply-definition">;
  model: Row<"models">;
  before: ResolvedDefinition;
  after: ResolvedDefinition;
  digest: Digest;
  changes: GovernedChange[];
  policy: Row<"policies">;
  rule: GateRule;
}

/** The request about a loosened definition: governed fields first, then all the rest that differs. */
export async function freezeDefinitionGate(deps: RecordDeps, unit: Unit, loosened: LoosenedDefinition): Promise<FrozenSubject> {
  const { command, model, before, after, digest, changes, policy, rule } = loosened;
  await keepDefinition(unit, { definition: after, digest, by: command.principal });
  const frozen = await freezeSubjectGate(deps, unit, {
    kind: "definition",
    subject: model.name,
    digest,
    model: model.name,
    rule,
    policy: { id: policy.id, version: policy.version, digest: policy.digest },
    ask: rule.ask,
    why: `${command.principal} changed the definition of ${model.name}: ${changes.map((one) => one.sentence).join(" ")}`,
    evidence: subjectEvidence({
      tier: model.tier,
      tierReason: `The definition of ${model.name} in force names the tier ${model.tier} and the maturity ${model.maturity}, so the policy ${policy.id} ${policy.version} applies.`,
      sentence: sentenceOf(changes),
      lineage: [
        { name: "definition", digest },
        { name: "definition in force", digest: model.definition_digest },
      ],
      champion: await readChampion(unit, model),
      by: command.principal,
      trigger: command.surface,
      reason: "A governed field of the definition changes.",
      details: sectionsOf({ before, after, changes }),
    }),
    excluded: excludedOf(loosened),
    ownerTeam: model.owner_team,
  });
  await unit.trx
    .insertInto("definition_changes")
    .values({
      gate_id: frozen.gate,
      model: model.name,
      definition_digest: digest,
      previous_digest: model.definition_digest,
      changes: JSON.stringify(changes),
      command_id: command.id,
      proposed_by: command.principal,
    })
    .execute();
  unit.note({
    kind: "definition.proposed",
    actor: command.principal,
    model: model.name,
    subject: model.name,
    data: {
      command: command.id,
      gate: frozen.gate,
      definition: digest,
      previous: model.definition_digest,
      governed: changes.map(({ path, direction }) => ({ path, direction })),
    },
  });
  return frozen;
}

function sentenceOf(changes: GovernedChange[]): string {
  const loosened = changes.filter((one) => one.direction === "loosened").length;
  const changed = changes.filter((one) => one.direction === "changed").length;
  const tightened = changes.length - loosened - changed;
  const parts = [
    ...(loosened > 0 ? [`${loosened} loosened`] : []),
    ...(changed > 0 ? [`${changed} changed otherwise`] : []),
    ...(tightened > 0 ? [`${tightened} tightened`] : []),
  ];
  return `Of the governed fields: ${parts.join(", ")}.`;
}

function sectionsOf(of: Pick<LoosenedDefinition, "before" | "after" | "changes">): { title: string; text: string }[] {
  const governed = new Set(of.changes.map((one) => one.path));
  const rest = documentDifferences(of.before, of.after).filter(
    ({ path }) => !governed.has(path) && ![...governed].some((one) => path.startsWith(`${one}.`) || path.startsWith(`${one}[`)),
  );
  return [
    { title: "Governed fields", text: of.changes.map((one) => `${one.direction}: ${one.sentence}`).join("\n") },
    { title: "Everything else", text: rest.map(differenceInWords).join("\n") || "Nothing else differs." },
  ];
}

/** Whoever gains by a softer rule does not decide on it. */
function excludedOf({ command, model, after }: LoosenedDefinition): { principal: string; why: string }[] {
  const named = [
    { principal: command.principal, why: "proposed this change" },
    { principal: model.owner_person, why: "is the named owner of the model" },
    { principal: after.owner.person, why: "would be the named owner of the model" },
  ];
  const byPrincipal = Map.groupBy(named, (one) => one.principal);
  return [...byPrincipal].map(([principal, all]) => ({ principal, why: all.map((one) => one.why).join(" and ") }));
}

async function readChampion({ trx }: Unit, model: Row<"models">): Promise<string | null> {
  const slot = await trx
    .selectFrom("slots")
    .select("champion_version")
    .where("model", "=", model.name)
    .where("environment", "=", model.environment)
    .executeTakeFirst();
  return slot?.champion_version ?? null;
}
