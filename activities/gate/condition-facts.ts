import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import { evaluateCondition } from "../../domain/condition-evaluation.ts";
import type { ConditionFacts } from "../../domain/conditions.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import { governedChanges } from "../../domain/governed-changes.ts";
import type { PolicyGate } from "../../domain/policy.ts";
import { hasParameters } from "../../domain/release-parameters.ts";

export interface Need {
  needed: boolean;
  /** A whole sentence, or several. */
  why: string;
  facts: ConditionFacts;
}

type Release = Pick<Row<"releases">, "id" | "model" | "definition_digest" | "trigger" | "parameters">;

/** Whether a release needs a gate of its policy, by what the database holds at this moment. */
export async function isNeeded(trx: Trx, release: Release, gate: Pick<PolicyGate, "when">): Promise<Need> {
  const facts = await conditionFacts(trx, release);
  if (gate.when === undefined) return { needed: true, why: "The policy asks for this gate on every release.", facts };
  const { applies, why } = evaluateCondition(gate.when, facts);
  return { needed: applies, why, facts };
}

/** The facts that conditions are about, as they are on record; what has not happened yet is null. */
export async function conditionFacts(trx: Trx, release: Release): Promise<ConditionFacts> {
  const definition = await readDefinition(trx, release.model, release.definition_digest);
  const version = await trx.selectFrom("versions").select("evaluation").where("release_id", "=", release.id).executeTakeFirst();
  const evaluation = version?.evaluation ?? null;
  const champion = await readChampion(trx, release.model, definition.deploy.environment);
  const before = champion && (await readDefinition(trx, release.model, champion.definition));
  const drift = await trx
    .selectFrom("findings")
    .select((eb) => eb.fn.countAll<string>().as("open"))
    .where("model", "=", release.model)
    .where("kind", "=", "drift")
    .where("closed_at", "is", null)
    .executeTakeFirst();
  return {
    metrics: (evaluation?.metrics ?? []).map(({ metric, candidate, champion: other }) => ({
      metric,
      candidate: candidate.value,
      champion: other?.value ?? null,
    })),
    verdict: evaluation?.verdict ?? null,
    protectedGaps: gapsOf(evaluation, definition.evaluate.protected),
    champion: champion?.version ?? null,
    governedChanged: before ? governedChanges(before, definition).map((one) => one.path) : [],
    contractWarnings: await readContractWarnings(trx, release.id),
    driftFindings: Number(drift?.open ?? 0),
    trigger: release.trigger,
    hasParameters: hasParameters(release.parameters),
  };
}

/** An attribute that the evaluation says nothing of was told for too few rows, at best. */
function gapsOf(evaluation: Evaluation | null, attributes: string[]): ConditionFacts["protectedGaps"] {
  if (attributes.length === 0 || evaluation === null) return null;
  return attributes.map((attribute) => {
    const row = evaluation.fairness?.find((one) => one.attribute === attribute);
    return row
      ? { attribute, gap: row.gap, limit: row.limit, verdict: row.verdict }
      : { attribute, gap: null, limit: 0, verdict: "too-few" };
  });
}

async function readDefinition(trx: Trx, model: string, digest: string): Promise<Row<"definitions">["body"]> {
  const { body } = await trx
    .selectFrom("definitions")
    .select("body")
    .where("model", "=", model)
    .where("digest", "=", digest as Row<"definitions">["digest"])
    .executeTakeFirstOrThrow();
  return body;
}

async function readChampion(
  trx: Trx,
  model: string,
  environment: string,
): Promise<{ version: string; definition: string } | null> {
  const row = await trx
    .selectFrom("slots as s")
    .innerJoin("versions as v", "v.id", "s.champion_version")
    .innerJoin("releases as r", "r.id", "v.release_id")
    .select(["v.id", "r.definition_digest"])
    .where("s.model", "=", model)
    .where("s.environment", "=", environment)
    .executeTakeFirst();
  return row ? { version: row.id, definition: row.definition_digest } : null;
}

async function readContractWarnings(trx: Trx, release: string): Promise<number | null> {
  const row = await trx
    .selectFrom("release_stages")
    .select("result")
    .where("release_id", "=", release)
    .where("stage", "=", "validate")
    .where("state", "=", "done")
    .executeTakeFirst();
  const warned = row?.result?.["warned"];
  return typeof warned === "number" ? warned : null;
}
