import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { GovernedChange } from "../../domain/governed-changes.ts";
import type { Digest, GateId } from "../../domain/ids.ts";
import type { Unit } from "./transaction.ts";

export interface DefinitionInForce {
  definition: ResolvedDefinition;
  digest: Digest;
  /** Whoever changed it; also where others approved the change. */
  by: string;
  command: string;
  /** The gate that it passed. */
  gate?: GateId;
  governed?: GovernedChange[];
}

/** Keeps the text of a definition; one that is there stays as it was written first. */
export async function keepDefinition(
  { trx }: Unit,
  { definition, digest, by }: Pick<DefinitionInForce, "definition" | "digest" | "by">,
): Promise<void> {
  await trx
    .insertInto("definitions")
    .values({ digest, model: definition.model, body: JSON.stringify(definition), applied_by: by })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Registers the model, or puts another definition of it in force. */
export async function writeDefinition(unit: Unit, inForce: DefinitionInForce): Promise<{ created: boolean }> {
  const { trx, note } = unit;
  const { definition, digest, by, command, gate, governed } = inForce;
  const present = await trx
    .selectFrom("models")
    .select("definition_digest")
    .where("name", "=", definition.model)
    .executeTakeFirst();
  await keepDefinition(unit, inForce);
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
  const about = { actor: by, model: definition.model, subject: definition.model };
  const { team, person } = definition.owner;
  if (!present) note({ kind: "model.registered", ...about, data: { command, team, person, tier: definition.tier } });
  note({
    kind: "definition.applied",
    ...about,
    data: {
      command,
      definition: digest,
      previous: present?.definition_digest ?? null,
      tier: definition.tier,
      maturity: definition.maturity,
      team,
      person,
      ...(gate && { gate }),
      ...(governed?.length && { governed: governed.map(({ path, direction }) => ({ path, direction })) }),
    },
  });
  return { created: !present };
}
