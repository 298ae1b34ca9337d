import { createRequire } from "node:module";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest, ReleaseId, VersionId } from "../../domain/ids.ts";
import type { FeaturizeResult, TrainResult, VersionManifest } from "../../domain/stage-results.ts";
import type { RecordDeps } from "./deps.ts";
import { needRelease } from "./pinned-release.ts";
import { inTransaction } from "./transaction.ts";

const require = createRequire(import.meta.url);

/** What will compute features and probabilities wherever this version serves. */
const runtime = { onnxruntime: installed("onnxruntime-node"), duckdb: installed("@duckdb/node-api") };

function installed(name: string): string {
  const { version } = require(`${name}/package.json`) as { version: string };
  return version;
}

/**
 * The immutable product of a release. Its digest is the one of its manifest, which names the bytes
 * by theirs: what a gate approves. A release makes one version; throws `digest-mismatch` for another.
 */
export async function recordVersion(
  deps: RecordDeps,
  input: { release: ReleaseId; dataset: Digest; featurized: FeaturizeResult; trained: TrainResult },
): Promise<{ version: VersionId; digest: Digest }> {
  const { release, dataset, featurized, trained } = input;
  return inTransaction(deps.db, async ({ trx, note }) => {
    const row = await needRelease(trx, release);
    const definition = await trx
      .selectFrom("definitions")
      .select("body")
      .where("model", "=", row.model)
      .where("digest", "=", row.definition_digest)
      .executeTakeFirstOrThrow();
    const manifest: VersionManifest = {
      version: release,
      model: row.model,
      onnx: trained.model,
      features: featurized.spec,
      dataset,
      definition: row.definition_digest,
      trainData: featurized.train,
      threshold: definition.body.deploy.threshold,
      labelName: definition.body.label.name,
      trainer: { name: trained.trainer, seed: trained.seed, parameters: trained.parameters, environment: trained.environment },
      runtime,
    };
    const digest = await deps.store.putJson(manifest);
    const present = await trx.selectFrom("versions").select("digest").where("release_id", "=", release).executeTakeFirst();
    if (present?.digest === digest) return { version: release, digest };
    if (present)
      throw new CountersignError("digest-mismatch", `${release} has made its version; other bytes need another release.`);
    await trx
      .insertInto("versions")
      .values({ id: release, model: row.model, release_id: release, digest, manifest: JSON.stringify(manifest) })
      .execute();
    note({
      kind: "version.recorded",
      actor: "countersign",
      model: row.model,
      subject: release,
      data: { digest, onnx: manifest.onnx, features: manifest.features, dataset },
    });
    return { version: release, digest };
  });
}
