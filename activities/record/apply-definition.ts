import type { Trx } from "../../db/database.ts";
import { checkDefinition } from "../../domain/definition-check.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { digestOfJson } from "../../domain/digest.ts";
import type { Digest } from "../../domain/ids.ts";
import type { Principal } from "../../domain/principal.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { Refused } from "../contract.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import type { RecordDeps } from "./deps.ts";
import type { Unit } from "./transaction.ts";

interface Applied {
  model: string;
  definitionDigest: Digest;
  created: boolean;
}

/**
 * Registers a model or changes its definition, from the canonical JSON in the artifact store.
 * Only an engineer or admin of the owner team may: of the present one, when there is one.
 */
export async function applyDefinition(
  deps: RecordDeps,
  command: CommandOf<"apply-definition">,
): Promise<{ ok: true; definition: Digest } | Refused> {
  const model = claimed(command, "model");
  const outcome = await carryOut(
    deps,
    { command, rule: { action: "define", subject: model, model } },
    async (unit, actor): Promise<Outcome<Applied>> => {
      const read = await readDefinition(deps, command);
      if (!read.ok) return read;
      const trouble = await refuseOwner(unit.trx, read.definition, actor);
      return trouble ?? { ok: true, result: await write(unit, { command, definition: read.definition }) };
    },
  );
  return outcome.ok ? { ok: true, definition: outcome.result.definitionDigest } : outcome;
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

async function write(
  { trx, note }: Unit,
  given: { command: CommandOf<"apply-definition">; definition: ResolvedDefinition },
): Promise<Applied> {
  const { command, definition } = given;
  const digest = command.body.definition;
  const present = await trx
    .selectFrom("models")
    .select("definition_digest")
    .where("name", "=", definition.model)
    .executeTakeFirst();
  const applied: Applied = { model: definition.model, definitionDigest: digest, created: !present };
  if (present?.definition_digest === digest) return applied;
  await trx
    .insertInto("definitions")
    .values({ digest, model: definition.model, body: JSON.stringify(definition), applied_by: command.principal })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const columns = {
    owner_team: definition.owner.team,
    owner_person: definition.owner.person,
    tier: definition.tier,
    maturity: definition.maturity,
    title: definition.title,
    environment: definition.deploy.environment,
    definition_digest: digest,
    updated_at: new Date(),
  };
  await trx
    .insertInto("models")
    .values({ name: definition.model, state: "active", ...columns })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(columns))
    .execute();
  await trx
    .insertInto("slots")
    .values({ model: definition.model, environment: definition.deploy.environment })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const about = { actor: command.principal, model: definition.model, subject: definition.model };
  const { team, person } = definition.owner;
  if (!present) note({ kind: "model.registered", ...about, data: { command: command.id, team, person, tier: definition.tier } });
  note({
    kind: "definition.applied",
    ...about,
    data: {
      command: command.id,
      definition: digest,
      previous: present?.definition_digest ?? null,
      tier: definition.tier,
      maturity: definition.maturity,
      team,
      person,
    },
  });
  return applied;
}
