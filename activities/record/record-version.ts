import { createRequire } from "node:module";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest, ReleaseId, VersionId } from "../../domain/ids.ts";
import type { FeaturizeResult, TrainResult, VersionManifest } from "../../domain/stage-results.ts";
import type { RecordDeps } from "./deps.ts";
import type { Trx } from "../../db/database.ts";
import { needRelease } from "./pinned-release.ts";
import { readResult } from "./stage-results.ts";
import { inTransaction } from "./transaction.ts";

const require = createRequire(import.meta.url);

/** What will compute features and probabilities wherever this version serves. */
const runtime = { onnxruntime: installed("onnxruntime-node"), duckdb: installed("@duckdb/node-api") };

function installed(name: string): string {
  const { version } = require(`${name}/package.json`) as { version: string };
  return version;
}

interface Made {
  dataset: Digest;
  featurized: FeaturizeResult;
  trained: TrainResult;
}

/**
 * The immutable product of a release. Its digest is the one of its manifest, which names the bytes
 * by theirs: what a gate approves. It is made of what the release's own stages left on record; `made` must be
 * that. A release makes one version; throws `digest-mismatch` for another.
 */
export async function recordVersion(
  deps: RecordDeps,
  { release, ...made }: { release: ReleaseId } & Made,
): Promise<{ version: VersionId; digest: Digest }> {
  return inTransaction(deps.db, async ({ trx, note }) => {
    const row = await needRelease(trx, release);
    const { dataset, featurized, trained } = await readMade(trx, release, made);
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

async function readMade(trx: Trx, release: ReleaseId, claimed: Made): Promise<Made> {
  const { dataset } = await readResult(trx, release, "ingest");
  const featurized = await readResult(trx, release, "featurize");
  const trained = await readResult(trx, release, "train");
  const isTheSame =
    claimed.dataset === dataset &&
    claimed.featurized.spec === featurized.spec &&
    claimed.featurized.train === featurized.train &&
    claimed.trained.model === trained.model;
  if (!isTheSame) throw new CountersignError("digest-mismatch", `The stages of ${release} have left other bytes on record.`);
  return { dataset, featurized, trained };
}
