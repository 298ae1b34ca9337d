import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { checkDefinition } from "../../domain/definition-check.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { governedChanges, needsGate, type GovernedChange } from "../../domain/governed-changes.ts";
import type { Digest, GateId } from "../../domain/ids.ts";
import type { Principal } from "../../domain/principal.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { Refused } from "../contract.ts";
import type { AppliedDefinition } from "../../domain/subject-gates.ts";
import { freezeDefinitionGate } from "../gate/definition-gate.ts";
import { endSubjectGate } from "../gate/subject-gate.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import type { RecordDeps } from "./deps.ts";
import { keepCommand } from "./keep-command.ts";
import { newestPolicy } from "./pinned-release.ts";
import type { Unit } from "./transaction.ts";
import { writeDefinition } from "./write-definition.ts";

interface Applied {
  model: string;
  /** What is in force now. */
  definitionDigest: Digest;
  created: boolean;
  /** Where it was loosened: the gate that it passes before it is in force. */
  gate: GateId | null;
  gateDigest: Digest | null;
  /** The request about an earlier change, which this one ended. */
  ended: GateId | null;
  /** The governed fields that changed. */
  governed: GovernedChange[];
}

/**
 * Registers a model or changes its definition, from the canonical JSON in the artifact store.
 * Only an engineer or admin of the owner team may: of the present one, when there is one. What
 * loosens a governed field passes the gate of the policy in force first, where it has one.
 */
export async function applyDefinition(
  deps: RecordDeps,
  command: CommandOf<"apply-definition">,
): Promise<AppliedDefinition | Refused> {
  const model = claimed(command, "model");
  const outcome = await carryOut(
    deps,
    { command, rule: { action: "define", subject: model, model } },
    async (unit, actor): Promise<Outcome<Applied>> => {
      const read = await readDefinition(deps, command);
      if (!read.ok) return read;
      const trouble = await refuseOwner(unit.trx, read.definition, actor);
      return trouble ?? { ok: true, result: await apply(deps, unit, { command, after: read.definition }) };
    },
  );
  if (!outcome.ok) return outcome;
  const { definitionDigest: definition, gate, gateDigest, ended } = outcome.result;
  return { ok: true, definition, ...(gate && gateDigest && { gate: { gate, digest: gateDigest } }), ...(ended && { ended }) };
}

async function apply(
  deps: RecordDeps,
  unit: Unit,
  { command, after }: { command: CommandOf<"apply-definition">; after: ResolvedDefinition },
): Promise<Applied> {
  const digest = command.body.definition;
  const model = await unit.trx.selectFrom("models").selectAll().where("name", "=", after.model).executeTakeFirst();
  const applied = {
    model: after.model,
    definitionDigest: digest,
    created: !model,
    gate: null,
    gateDigest: null,
    ended: null,
    governed: [],
  };
  const written = { definition: after, digest, by: command.principal, command: command.id };
  if (!model) {
    await keepCommand(deps, unit, { command, digest });
    return { ...applied, ...(await writeDefinition(unit, written)) };
  }
  if (model.definition_digest === digest) {
    await keepCommand(deps, unit, { command, digest });
    const why = "The definition in force was applied again.";
    return {
      ...applied,
      ended: await endSubjectGate(deps, unit, { ...aboutDefinition(model.name), resolution: "withdrawn", why }),
    };
  }
  const before = await readInForce(unit.trx, model);
  const governed = governedChanges(before, after);
  const policy = await newestPolicy(unit.trx, model);
  const rule = policy.body.definitionChange;
  if (rule && needsGate(governed)) {
    const frozen = await freezeDefinitionGate(deps, unit, {
      command,
      model,
      before,
      after,
      digest,
      changes: governed,
      policy,
      rule,
    });
    const { gate, ended } = frozen;
    return { ...applied, definitionDigest: model.definition_digest, gate, gateDigest: frozen.digest, ended, governed };
  }
  const why = "Another definition was applied meanwhile.";
  const ended = await endSubjectGate(deps, unit, { ...aboutDefinition(model.name), resolution: "superseded", why });
  await keepCommand(deps, unit, { command, digest });
  await writeDefinition(unit, { ...written, governed });
  return { ...applied, ended, governed };
}

const aboutDefinition = (subject: string) => ({ kind: "definition" as const, subject });

async function readInForce(trx: Trx, model: Row<"models">): Promise<ResolvedDefinition> {
  const { body } = await trx
    .selectFrom("definitions")
    .select("body")
    .where("model", "=", model.name)
    .where("digest", "=", model.definition_digest)
    .executeTakeFirstOrThrow();
  return body;
}

/** The definition whose digest was signed, checked once more: what runs is what this says. */
async function readDefinition(
  deps: RecordDeps,
  { body }: CommandOf<"apply-definition">,
): Promise<{ ok: true; definition: ResolvedDefinition } | Refused> {
  if (!(await deps.store.has(body.definition))) return refused("invalid", `The artifact store holds no ${body.definition}.`);
  const text = await deps.store.getText(body.definition);
  const { definition, faults } = checkDefinition(text, { format: "json", filesAllowed: false });
  if (!definition)
    return refused(
      "invalid",
      faults
        .map((fault) => `${fault.path}: ${fault.message}`)
        .slice(0, 10)
        .join("; "),
    );
  if (digestOfJson(definition) !== body.definition)
    return refused("invalid", "The stored definition is not in its canonical form, with all defaults filled in.");
  if (definition.model !== body.model)
    return refused("invalid", `model: the definition is for ${definition.model}, not for ${body.model}.`);
  return { ok: true, definition };
}

async function refuseOwner(trx: Trx, definition: ResolvedDefinition, actor: Principal): Promise<Refused | null> {
  const present = await trx
    .selectFrom("models")
    .select(["owner_team", "state"])
    .where("name", "=", definition.model)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (present?.state === "retired") return refused("model-retired", `${definition.model} was retired.`);
  const team = present?.owner_team ?? definition.owner.team;
  if (!actor.groups.includes(team))
    return refused(
      "forbidden",
      `Only members of ${team}, who own ${definition.model}, may change it; ${actor.id} is in ${actor.groups.join(", ") || "no group"}.`,
    );
  const group = await trx.selectFrom("groups").select("id").where("id", "=", definition.owner.team).executeTakeFirst();
  if (!group) return refused("invalid", `owner.team: there is no group ${definition.owner.team}.`);
  const owner = await trx
    .selectFrom("principals")
    .select(["kind", "active"])
    .where("id", "=", definition.owner.person)
    .executeTakeFirst();
  if (owner?.kind !== "person" || !owner.active)
    return refused("invalid", `owner.person: there is no person ${definition.owner.person}.`);
  return null;
}
