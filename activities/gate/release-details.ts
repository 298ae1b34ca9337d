import { driftInWords } from "../../domain/drift-words.ts";
import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import type { FeatureChecks } from "../../domain/data-finding.ts";
import type { DataDifference } from "../../domain/data-profile.ts";
import { checksInWords, dataDifferenceInWords, featureOriginsInWords, featureOriginsTitle } from "../../domain/data-words.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { differenceInWords, documentDifferences } from "../../domain/document-diff.ts";
import type { GateEvidence } from "../../domain/gate.ts";
import { governedChanges } from "../../domain/governed-changes.ts";
import type { Digest } from "../../domain/ids.ts";
import { momentInWords } from "../../domain/wording.ts";

type Section = NonNullable<GateEvidence["details"]>[number];

export interface DetailsOf {
  release: Row<"releases">;
  environment: string;
  champion: string | null;
  /** Results of the stages that are done. */
  results: { stage: string; result: Record<string, unknown> | null }[];
}

/**
 * What else an approver should see of a release, in sections of text: what differs from the champion
 * in definition and data, what the checks of the features noticed, how the champion drifts,
 * whether there is a way back, and of what each feature is made.
 */
export async function releaseDetails(trx: Trx, store: ArtifactStore, of: DetailsOf): Promise<Section[]> {
  const checks = await featureChecks(store, of);
  const sections: [string, string[]][] = [
    ["The definition against the champion's", await definitionChanges(trx, of)],
    ["The data against the champion's", await dataChanges(store, of)],
    ["Noticed in the features", checks === null ? [] : checksInWords(checks)],
    ["How the champion's predictions drift", await drift(trx, of)],
    ["The way back", await wayBack(trx, of)],
    [featureOriginsTitle, checks === null ? [] : featureOriginsInWords(checks)],
  ];
  return sections.flatMap(([title, lines]) => (lines.length === 0 ? [] : [{ title, text: lines.join("\n") }]));
}

async function definitionChanges(trx: Trx, { release, champion }: DetailsOf): Promise<string[]> {
  if (champion === null) return [];
  const before = await trx
    .selectFrom("versions")
    .innerJoin("releases", "releases.id", "versions.release_id")
    .select("releases.definition_digest")
    .where("versions.id", "=", champion)
    .executeTakeFirst();
  if (!before) return [];
  if (before.definition_digest === release.definition_digest) return ["The same."];
  const [old, now] = await Promise.all([
    readDefinition(trx, release.model, before.definition_digest),
    readDefinition(trx, release.model, release.definition_digest),
  ]);
  const governed = governedChanges(old, now);
  const named = new Set(governed.map((one) => one.path));
  const others = documentDifferences(old, now).filter(
    ({ path }) => ![...named].some((one) => path === one || path.startsWith(`${one}.`)),
  );
  return [...governed.map((one) => `Governed, ${one.direction}: ${one.sentence}`), ...others.map(differenceInWords)];
}

async function readDefinition(trx: Trx, model: string, digest: Digest): Promise<ResolvedDefinition> {
  const row = await trx
    .selectFrom("definitions")
    .select("body")
    .where("model", "=", model)
    .where("digest", "=", digest)
    .executeTakeFirstOrThrow();
  return row.body;
}

async function dataChanges(store: ArtifactStore, of: DetailsOf): Promise<string[]> {
  const digest = digestIn(of, "ingest", "difference");
  return digest === null ? [] : dataDifferenceInWords(await store.getJson<DataDifference>(digest));
}

async function featureChecks(store: ArtifactStore, of: DetailsOf): Promise<FeatureChecks | null> {
  const digest = digestIn(of, "featurize", "checks");
  return digest === null ? null : store.getJson<FeatureChecks>(digest);
}

function digestIn({ results }: DetailsOf, stage: string, member: string): Digest | null {
  const value = results.find((one) => one.stage === stage)?.result?.[member];
  // A digest by its origin: the stage's own result.
  return typeof value === "string" ? (value as Digest) : null;
}

async function drift(trx: Trx, { release, environment, champion }: DetailsOf): Promise<string[]> {
  if (champion === null) return [];
  const window = await trx
    .selectFrom("monitor_windows")
    .select(["body", "verdict", "rows", "to_at"])
    .where("model", "=", release.model)
    .where("environment", "=", environment)
    .where("version_id", "=", champion)
    .where("verdict", "<>", "too-few")
    .orderBy("to_at", "desc")
    .limit(1)
    .executeTakeFirst();
  if (!window) return ["Too few predictions since it serves to say."];
  const moved = window.body.columns
    .filter((column) => column.verdict !== "steady")
    .map((column) => `${driftInWords(column)}${column.verdict === "alert" ? " (alert)" : ""}`);
  const said = moved.length === 0 ? "steady" : moved.join(", ");
  return [`${window.rows} predictions until ${momentInWords(window.to_at.toISOString())}: ${said}.`];
}

async function wayBack(trx: Trx, { release, environment, champion }: DetailsOf): Promise<string[]> {
  if (champion === null) return [`There is none: ${release.id} would be the first champion of ${environment}.`];
  const approval = await trx
    .selectFrom("approvals")
    .select("revoked_at")
    .where("version_id", "=", champion)
    .where("environment", "=", environment)
    .executeTakeFirst();
  return approval && approval.revoked_at === null
    ? [`${champion}, whose approval stands: one command brings it back.`]
    : [`${champion} serves, but its approval does not stand; it could not be brought back.`];
}
