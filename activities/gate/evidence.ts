import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { GateEvidence } from "../../domain/gate.ts";
import type { Policy } from "../../domain/policy.ts";
import { stages } from "../../domain/stages.ts";
import { releaseDetails } from "./release-details.ts";
import { readChanges } from "../record/requested-changes.ts";
import { readChampionVersion } from "../slot/read-slot.ts";
import { recommend } from "./recommendation.ts";

const previousShown = 5;

export interface EvidenceOf {
  release: Row<"releases">;
  /** Null at a gate that comes before training. */
  version: Row<"versions"> | null;
  policy: Policy;
  environment: string;
  /** Read from its artifact. */
  evaluation: Evaluation | null;
  /** Why there is none, where its artifact cannot be read. */
  unreadable?: string | null;
  /** For what differs from the champion; a review of what was done already shows none of it. */
  store?: ArtifactStore;
}

/** What an approver sees, all of it from what the database and the artifact store hold. */
export async function gatherEvidence(trx: Trx, of: EvidenceOf): Promise<GateEvidence> {
  const { release, version, policy, evaluation } = of;
  const done = await trx
    .selectFrom("release_stages")
    .selectAll()
    .where("release_id", "=", release.id)
    .where("state", "=", "done")
    .execute();
  const trained = done.find((row) => row.stage === "train")?.result?.["durationMs"];
  const champion = await readChampionVersion(trx, { model: of.release.model, environment: of.environment });
  const told = stages.flatMap((stage) =>
    done.filter((row) => row.stage === stage).map((row) => ({ stage, summary: row.summary ?? "" })),
  );
  return {
    recommendation: of.unreadable ? { verdict: "warn", sentence: of.unreadable } : recommend(evaluation, told),
    evaluation: version?.evaluation_digest ?? null,
    evaluationBody: evaluation,
    stages: told,
    lineage: version ? lineage(version) : [],
    tier: policy.tier,
    tierReason: `The definition of ${release.model} names the tier ${policy.tier}, so the policy ${policy.id} ${policy.version} applies.`,
    champion,
    rollbackTarget: champion,
    trainingMs: typeof trained === "number" ? trained : null,
    trigger: release.trigger,
    requestedBy: release.requested_by,
    reason: release.reason,
    parent: release.parent,
    parentRequest: await readParentRequest(trx, release),
    parameters: release.parameters,
    previousDecisions: await readPreviousDecisions(trx, release),
    findings: await readOpenFindings(trx, release.model),
    ...(of.store && {
      details: await releaseDetails(trx, of.store, { release, environment: of.environment, champion, results: done }),
    }),
  };
}

function lineage(version: Row<"versions">): GateEvidence["lineage"] {
  const { onnx, features, dataset, trainData, definition } = version.manifest;
  return [
    { name: "version", digest: version.digest },
    { name: "model", digest: onnx },
    { name: "features", digest: features },
    { name: "dataset", digest: dataset },
    { name: "training data", digest: trainData },
    { name: "definition", digest: definition },
    ...(version.evaluation_digest ? [{ name: "evaluation", digest: version.evaluation_digest }] : []),
  ];
}

async function readOpenFindings(trx: Trx, model: string): Promise<NonNullable<GateEvidence["findings"]>> {
  const rows = await trx
    .selectFrom("findings")
    .select(["id", "kind", "title", "opened_at"])
    .where("model", "=", model)
    .where("closed_at", "is", null)
    .orderBy("opened_at")
    .execute();
  return rows.map(({ opened_at, ...finding }) => ({ ...finding, since: opened_at.toISOString() }));
}

/** What the reviewers of the parent asked for. */
async function readParentRequest(trx: Trx, release: Row<"releases">): Promise<string | null> {
  if (release.parent === null) return null;
  const gate = await trx
    .selectFrom("gates")
    .select("id")
    .where("release_id", "=", release.parent)
    .where("resolution", "=", "changes-requested")
    .executeTakeFirst();
  return gate ? ((await readChanges(trx, gate.id))?.reason ?? null) : null;
}

/** The last gates of this model, who closed them, and what came of their releases. */
async function readPreviousDecisions(trx: Trx, release: Row<"releases">): Promise<GateEvidence["previousDecisions"]> {
  const rows = await trx
    .selectFrom("gates")
    .leftJoin("releases", "releases.id", "gates.release_id")
    .select((eb) => [
      "gates.id",
      "gates.resolution",
      "gates.closed_at",
      "releases.outcome",
      eb
        .selectFrom("decisions")
        .select("decisions.principal_id")
        .whereRef("decisions.gate_id", "=", "gates.id")
        .where("decisions.counted", "=", true)
        .orderBy("decisions.recorded_at", "desc")
        .orderBy("decisions.decided_at", "desc")
        .limit(1)
        .as("by"),
    ])
    .where("gates.model", "=", release.model)
    .where("gates.state", "=", "closed")
    .orderBy("gates.closed_at", "desc")
    .limit(previousShown)
    .execute();
  return rows.flatMap((row) =>
    row.resolution && row.closed_at
      ? [{ gate: row.id, resolution: row.resolution, by: row.by, at: row.closed_at.toISOString(), outcome: row.outcome }]
      : [],
  );
}
