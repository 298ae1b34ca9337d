import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCommandVerifier, type CommandVerifier } from "../../approvals/verify-command.ts";
import { type ArtifactStore, createArtifactStore } from "../../artifacts/artifact-store.ts";
import { createDatabase, type Db } from "../../db/database.ts";
import { publishBuiltInPolicies } from "../../db/policies.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { digestOfJson } from "../../domain/digest.ts";
import type { Digest, VersionId } from "../../domain/ids.ts";
import { commandText, type CommandOf } from "../../domain/signed-command.ts";
import type { FeatureSpec, VersionManifest } from "../../domain/stage-results.ts";
import { createFeatureEngine } from "../../ml/features/compute-features.ts";
import { trainBaseline } from "../../ml/trainers/baseline.ts";
import { fixtureModel, freezeRequests, readDefinition, readFeatures } from "./flights-artifacts.ts";
import { evaluation } from "../records/passage.ts";

/**
 * Versions of the flights example on record as a release leaves them, made from real flights
 * without Temporal: the first rows of January 2013, the example's own SQL, the built-in trainer,
 * and the approval that the low tier's policy gives.
 */

export interface FlightsFixture {
  db: Db;
  store: ArtifactStore;
  directory: string;
  definition: ResolvedDefinition;
  definitionDigest: Digest;
  spec: FeatureSpec;
  specDigest: Digest;
  /** Parquet with features and label, as the featurize stage leaves them. */
  trainData: Digest;
  /** Parquet with the request columns. */
  requests: Digest;
  /** The first thousand request rows, as a caller sends them; in no order of time, so that any part is like the whole. */
  rows: Record<string, string | number>[];
  /** Control's pair, and what verifies its signatures. */
  keys: { privateKey: string; publicKey: string };
  verifier: CommandVerifier;
  /** A file with the public key. */
  verifyKeyFile: string;
  /** By principal, as tokens.json has them. */
  tokens: Record<string, string>;
  manifests: Map<VersionId, VersionManifest>;
  /** Trains with this penalty, puts the version on record and has the policy approve it. `waiting`: its release is still under way. */
  addVersion(number: number, options?: { l2?: number; onnx?: Uint8Array; waiting?: boolean }): Promise<VersionId>;
  /** Moves the slot as deploy and rollback do; gives the new epoch. */
  moveSlot(version: VersionId): Promise<number>;
  close(): Promise<void>;
}

const environment = "production";

export async function createFlightsFixture({
  url,
  rows: trainRows = 3_000,
}: {
  url: string;
  rows?: number;
}): Promise<FlightsFixture> {
  const directory = await mkdtemp(join(tmpdir(), "countersign-serving-"));
  const store = createArtifactStore({ directory });
  const keys = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const verifyKeyFile = join(directory, "signing.pub.pem");
  await writeFile(verifyKeyFile, keys.publicKey);
  const db = createDatabase({ url, max: 4 });
  const { definition, definitionDigest } = await readDefinition(store);
  const { spec, requests, rows } = await freezeRequests({ store, directory, sql: definition.features.sql, trainRows });
  const specDigest = await store.putJson(spec);
  const engine = await createFeatureEngine({ store, spec });
  const trained = await readFeatures(engine, { requests, directory, store, trainRows });
  await engine.close();
  await publishBuiltInPolicies(db);
  const tokens = await seedPeople(db);
  await db
    .insertInto("models")
    .values({
      name: fixtureModel,
      owner_team: "ml-engineering",
      owner_person: "ada",
      tier: "low",
      maturity: "managed",
      title: definition.title,
      environment,
      state: "active",
      definition_digest: definitionDigest,
    })
    .execute();
  await db
    .insertInto("definitions")
    .values({ digest: definitionDigest, model: fixtureModel, body: JSON.stringify(definition), applied_by: "ada" })
    .execute();
  await keepSigned(db, keys.privateKey, { kind: "apply-definition", model: fixtureModel, definition: definitionDigest });
  await db
    .insertInto("slots")
    .values({ model: fixtureModel, environment, champion_version: null, champion_approval: null, champion_since: null })
    .execute();
  const manifests = new Map<VersionId, VersionManifest>();

  async function addVersion(
    number: number,
    { l2 = 1, onnx, waiting = false }: { l2?: number; onnx?: Uint8Array; waiting?: boolean } = {},
  ): Promise<VersionId> {
    const bytes =
      onnx ??
      trainBaseline(
        { features: spec.features, parameters: { l2 } },
        { rows: trainRows, columns: trained.columns, labels: trained.labels },
      ).onnx;
    const version = `${fixtureModel}.${number}`;
    const manifest: VersionManifest = {
      version,
      model: fixtureModel,
      onnx: await store.put(bytes),
      features: specDigest,
      dataset: requests,
      definition: definitionDigest,
      trainData: trained.digest,
      threshold: 0.5,
      labelName: "late",
      trainer: { name: "baseline", seed: 7, parameters: { l2 }, environment: {} },
      runtime: { onnxruntime: "1.30.0", duckdb: "1.5.6" },
    };
    manifests.set(version, manifest);
    await recordVersion(db, { number, version, manifest, definitionDigest, waiting });
    return version;
  }

  return {
    db,
    store,
    directory,
    definition,
    definitionDigest,
    spec,
    specDigest,
    requests,
    rows,
    tokens,
    keys,
    verifier: createCommandVerifier({ publicKeyPem: keys.publicKey }),
    verifyKeyFile,
    manifests,
    addVersion,
    trainData: trained.digest,
    moveSlot: (version) => moveSlot(db, version),
    close: async () => {
      await db.destroy();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** As applying leaves it: signed by control. */
async function keepSigned(db: Db, privateKey: string, body: CommandOf<"apply-definition">["body"]): Promise<void> {
  const unsigned = {
    id: "cmd_apply",
    principal: "ada",
    groups: [],
    surface: "api" as const,
    at: "2026-01-01T00:00:00.000Z",
    body,
  };
  const signature = sign(null, Buffer.from(commandText(unsigned)), privateKey).toString("base64url");
  const command = JSON.stringify({ ...unsigned, signature });
  await db.insertInto("subject_commands").values({ command_id: unsigned.id, digest: body.definition, command }).execute();
}

async function seedPeople(db: Db): Promise<Record<string, string>> {
  const people = {
    ada: { groups: ["ml-engineering"], roles: ["engineer"] },
    olga: { groups: ["platform"], roles: ["operator"] },
    eve: { groups: ["elsewhere"], roles: ["viewer"] },
  } as const;
  const tokens: Record<string, string> = {};
  for (const [id, { groups, roles }] of Object.entries(people)) {
    await db
      .insertInto("principals")
      .values({ id, kind: "person", display_name: id, roles: [...roles] })
      .execute();
    for (const group of groups) {
      await db.insertInto("groups").values({ id: group }).execute();
      await db.insertInto("group_members").values({ group_id: group, principal_id: id }).execute();
    }
    const token = `cst_${randomBytes(24).toString("base64url")}`;
    tokens[id] = token;
    await db
      .insertInto("tokens")
      .values({
        id: `tok_${id}`,
        principal_id: id,
        kind: "api",
        hash: createHash("sha256").update(token).digest("hex"),
        name: "test",
        created_by: id,
        expires_at: new Date(Date.now() + 3_600_000),
      })
      .execute();
  }
  return tokens;
}

async function recordVersion(
  db: Db,
  input: { number: number; version: VersionId; manifest: VersionManifest; definitionDigest: Digest; waiting: boolean },
): Promise<void> {
  const { number, version, manifest, definitionDigest, waiting } = input;
  const digest = digestOfJson(manifest);
  await db
    .insertInto("releases")
    .values({
      id: version,
      model: fixtureModel,
      number,
      ...(waiting
        ? { state: "waiting" as const }
        : { state: "ended" as const, outcome: "promoted" as const, ended_at: new Date() }),
      trigger: "api",
      reason: "a version to serve",
      requested_by: "ada",
      definition_digest: definitionDigest,
      policy_id: "low-managed",
      policy_version: 1,
    })
    .execute();
  // The holdout is the training table: nobody evaluates here.
  const result = JSON.stringify({ train: manifest.trainData, holdout: manifest.trainData, spec: manifest.features });
  await db
    .insertInto("release_stages")
    .values({ release_id: version, stage: "featurize", state: "done", attempts: 1, result })
    .execute();
  await db
    .insertInto("versions")
    .values({
      id: version,
      model: fixtureModel,
      release_id: version,
      digest,
      manifest: JSON.stringify(manifest),
      evaluation: JSON.stringify(evaluation()),
      evaluation_digest: digestOfJson(evaluation()),
    })
    .execute();
  await db
    .insertInto("approvals")
    .values({
      id: `apr_${version}`,
      version_id: version,
      version_digest: digest,
      environment,
      kind: "policy",
      policy_id: "low-managed",
      policy_version: 1,
    })
    .execute();
}

async function moveSlot(db: Db, version: VersionId): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const slot = await trx
      .selectFrom("slots")
      .selectAll()
      .where("model", "=", fixtureModel)
      .where("environment", "=", environment)
      .forUpdate()
      .executeTakeFirstOrThrow();
    const epoch = slot.epoch + 1;
    await trx
      .updateTable("slots")
      .set({ epoch, champion_version: version, champion_approval: `apr_${version}`, champion_since: new Date() })
      .where("model", "=", fixtureModel)
      .where("environment", "=", environment)
      .execute();
    await trx
      .insertInto("deployments")
      .values({
        id: `dep_${randomBytes(9).toString("base64url")}`,
        model: fixtureModel,
        environment,
        kind: "promote",
        version_id: version,
        previous: slot.champion_version,
        share: 1,
        epoch,
        approval_id: `apr_${version}`,
        by: "ada",
        reason: "test",
      })
      .execute();
    return epoch;
  });
}
