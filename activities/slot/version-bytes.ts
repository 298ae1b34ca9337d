import type { ArtifactStore } from "../../artifacts/artifact-store.ts";
import type { Row } from "../../db/schema.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { CountersignError } from "../../domain/errors.ts";
import type { Digest } from "../../domain/ids.ts";
import type { FeatureSpec, VersionManifest } from "../../domain/stage-results.ts";

/**
 * Recomputes the digest of everything that a version serves with: manifest, model, feature spec
 * and lookup tables. Throws `digest-mismatch` when any byte is not the one that was approved.
 */
export async function verifyBytes(store: ArtifactStore, version: Row<"versions">): Promise<void> {
  if (digestOfJson(version.manifest) !== version.digest) throw mismatch(version, "the manifest in the database");
  await verifyOne(store, version, { name: "the manifest", digest: version.digest });
  const manifest = await store.getJson<VersionManifest>(version.digest);
  if (manifest.version !== version.id || manifest.model !== version.model) throw mismatch(version, "the manifest's names");
  for (const one of await servedBytes(store, version, manifest)) await verifyOne(store, version, one);
}

interface Part {
  name: string;
  digest: Digest;
}

async function servedBytes(store: ArtifactStore, version: Row<"versions">, manifest: VersionManifest): Promise<Part[]> {
  const features = { name: "the feature spec", digest: manifest.features };
  await verifyOne(store, version, features);
  const spec = await store.getJson<FeatureSpec>(manifest.features);
  const lookups = Object.entries(spec.lookups).map(([name, lookup]) => ({
    name: `the lookup table ${name}`,
    digest: lookup.table,
  }));
  return [{ name: "the model", digest: manifest.onnx }, ...lookups];
}

async function verifyOne(store: ArtifactStore, version: Row<"versions">, part: Part): Promise<void> {
  try {
    await store.verify(part.digest);
  } catch (error) {
    if (error instanceof CountersignError) throw mismatch(version, part.name, error);
    throw error;
  }
}

function mismatch(version: Row<"versions">, what: string, cause?: unknown): CountersignError {
  return new CountersignError("digest-mismatch", `${version.id} is not served: ${what} is not what was approved.`, { cause });
}

/** Whether everything that a version serves with is there; reads no bytes but the small feature spec, so that a rollback stays quick. */
export async function hasBytes(store: ArtifactStore, version: Row<"versions">): Promise<boolean> {
  const { onnx, features } = version.manifest;
  if (!(await store.has(onnx)) || !(await store.has(features))) return false;
  const spec = await store.getJson<FeatureSpec>(features);
  const present = await Promise.all(Object.values(spec.lookups).map((lookup) => store.has(lookup.table)));
  return present.every(Boolean);
}
