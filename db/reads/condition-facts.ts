import type { ConditionFacts } from "../../domain/conditions.ts";
import type { FairnessRow } from "../../domain/evaluation-detail.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import { governedChanges } from "../../domain/governed-changes.ts";
import { hasParameters } from "../../domain/release-parameters.ts";
import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";

export type ReleaseOfFacts = Pick<Row<"releases">, "id" | "model" | "definition_digest" | "trigger" | "parameters">;

/**
 * The facts that conditions are about, as they are on record; what has not happened yet is null. `asOf`: findings
 * that were open then (they come and go after an approval, which stands on what was so when it was given); else now.
 */
export async function conditionFacts(db: Db, release: ReleaseOfFacts, { asOf }: { asOf?: Date } = {}): Promise<ConditionFacts> {
  const definition = await readDefinition(db, release.model, release.definition_digest);
  const version = await db.selectFrom("versions").select("evaluation").where("release_id", "=", release.id).executeTakeFirst();
  const evaluation = version?.evaluation ?? null;
  const champion = await readChampion(db, { model: release.model, environment: definition.deploy.environment, evaluation });
  const before = champion && (await readDefinition(db, release.model, champion.definition));
  const drift = await db
    .selectFrom("findings")
    .select((eb) => eb.fn.countAll<string>().as("open"))
    .where("model", "=", release.model)
    .where("kind", "=", "drift")
    .where((eb) =>
      asOf === undefined
        ? eb("closed_at", "is", null)
        : eb("opened_at", "<=", asOf).and(eb.or([eb("closed_at", "is", null), eb("closed_at", ">", asOf)])),
    )
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
    contractWarnings: await readContractWarnings(db, release.id),
    driftFindings: Number(drift?.open ?? 0),
    trigger: release.trigger,
    hasParameters: hasParameters(release.parameters),
  };
}

/** An attribute that the evaluation says nothing of was told for too few rows, at best. */
function gapsOf(evaluation: Evaluation | null, attributes: string[]): ConditionFacts["protectedGaps"] {
  if (attributes.length === 0) return [];
  if (evaluation === null) return null;
  return attributes.map((attribute) => {
    const row = evaluation.fairness?.find((one) => one.attribute === attribute);
    return row
      ? { attribute, gap: row.gap, limit: row.limit, verdict: row.verdict, ...leftOutOf(row) }
      : { attribute, gap: null, limit: 0, verdict: "too-few" };
  });
}

function leftOutOf({ measures }: FairnessRow): { leftOut?: string[] } {
  const limited = measures.filter(({ limit }) => limit !== null);
  const names = [...new Set(limited.flatMap(({ leftOut = [] }) => leftOut.map(({ part }) => part)))];
  return names.length === 0 ? {} : { leftOut: names };
}

async function readDefinition(db: Db, model: string, digest: string): Promise<Row<"definitions">["body"]> {
  const { body } = await db
    .selectFrom("definitions")
    .select("body")
    .where("model", "=", model)
    .where("digest", "=", digest as Row<"definitions">["digest"])
    .executeTakeFirstOrThrow();
  return body;
}

/** The version that the evaluation compared with, or the champion of now where nothing was evaluated: a release that became champion itself is told as it was. */
async function readChampion(
  db: Db,
  of: { model: string; environment: string; evaluation: Evaluation | null },
): Promise<{ version: string; definition: string } | null> {
  const { model, environment, evaluation } = of;
  const slot = await db
    .selectFrom("slots")
    .select("champion_version")
    .where("model", "=", model)
    .where("environment", "=", environment)
    .executeTakeFirst();
  const version = evaluation === null ? (slot?.champion_version ?? null) : evaluation.championVersion;
  if (version === null) return null;
  const row = await db
    .selectFrom("versions as v")
    .innerJoin("releases as r", "r.id", "v.release_id")
    .select("r.definition_digest")
    .where("v.id", "=", version)
    .executeTakeFirst();
  return row ? { version, definition: row.definition_digest } : null;
}

async function readContractWarnings(db: Db, release: string): Promise<number | null> {
  const row = await db
    .selectFrom("release_stages")
    .select("result")
    .where("release_id", "=", release)
    .where("stage", "=", "validate")
    .where("state", "=", "done")
    .executeTakeFirst();
  const warned = row?.result?.["warned"];
  return typeof warned === "number" ? warned : null;
}
