import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createArtifactStore } from "../artifacts/artifact-store.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import { checkContract } from "../ml/contracts/check-contract.ts";
import { parseContract } from "../ml/contracts/parse-contract.ts";
import { freezeDataset } from "../ml/datasets/freeze-dataset.ts";
import { profileDataset } from "../ml/datasets/profile-dataset.ts";
import { openDuckDb } from "../ml/duckdb.ts";
import { buildFeatures } from "../ml/features/build-features.ts";
import { unwatched } from "../ml/stage-tools.ts";
import { rootAt } from "../test/setup/root-at.ts";

/**
 * The most memory that a worker takes while it ingests, validates and featurizes one large Parquet
 * file: promised are 1.5 GB for 10 GB (`--gb 10`; the default is shorter). Needs three times the
 * size on disk: the file, its frozen copy, what spills. Prints the peak after each stage.
 */
const { values } = parseArgs({ options: { gb: { type: "string", default: "0.5" } } });
const bytesARow = 130;
const rows = Math.round((Number(values.gb) * 2 ** 30) / bytesARow);
const directory = await mkdtemp(join(tmpdir(), "countersign-memory-"));
const store = createArtifactStore({ directory: join(directory, "artifacts") });

const request: ResolvedDefinition["features"]["request"] = {
  a: "number",
  b: "number",
  c: "number",
  kind: "string",
  code: "string",
};
const numbers = Array.from({ length: 12 }, (_, at) => `hash(n * ${2 * at + 3}) / 1e19 AS n${at}`).join(", ");
const definition: ResolvedDefinition = {
  model: "large",
  title: "One large file",
  owner: { team: "bench", person: "bench" },
  tier: "low",
  maturity: "initial",
  data: { rows: "large", sources: { large: { files: "large.parquet", time: "happened" } } },
  contract: {
    apiVersion: "v3.1.0",
    kind: "DataContract",
    schema: [
      {
        name: "large",
        properties: [
          { name: "id", logicalType: "integer", required: true, unique: true },
          { name: "a", logicalType: "number", required: true, logicalTypeOptions: { minimum: 0, maximum: 2 } },
          {
            name: "kind",
            required: true,
            quality: [{ metric: "invalidValues", arguments: { validValues: ["x", "y", "z"] }, mustBe: 0 }],
          },
        ],
      },
    ],
  },
  features: { request, lookups: [], sql: "SELECT row_id, a, b, a * c AS ac, kind FROM request" },
  label: { sql: "a + b > 1.8", name: "high" },
  split: { by: "time", holdout: 0.25 },
} as unknown as ResolvedDefinition; // The sections of training and after are not looked at here.

const peak = (stage: string, since: number) =>
  process.stdout.write(
    `${stage.padEnd(10)} ${((performance.now() - since) / 1000).toFixed(1).padStart(8)} s   peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MB\n`,
  );

try {
  await makeFile(join(directory, "large.parquet"));
  const contract = parseContract(definition.contract);
  peak("made", 0);
  let since = performance.now();
  const { manifest } = await freezeDataset(
    { dataRoot: rootAt(directory), store, data: definition.data, parameters: {} },
    unwatched,
  );
  peak("frozen", since);
  since = performance.now();
  await profileDataset({ store, manifest, contract, champion: null }, unwatched);
  peak("profiled", since);
  since = performance.now();
  await checkContract({ contract, manifest, store, now: new Date() }, unwatched);
  peak("validated", since);
  since = performance.now();
  await buildFeatures({ store, definition, manifest, seed: 7 }, unwatched);
  peak("featurized", since);
  process.stdout.write(`${rows} rows, ${((manifest.sources["large"]?.files[0]?.bytes ?? 0) / 2 ** 30).toFixed(2)} GB\n`);
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function makeFile(path: string): Promise<void> {
  const db = await openDuckDb({ memoryMb: 512, scratch: directory });
  await db.run(
    `COPY (SELECT n AS id, TIMESTAMP '2020-01-01' + n * INTERVAL 1 SECOND AS happened, hash(n) / 1.8446744073709552e19 AS a, hash(n * 7) / 1.8446744073709552e19 AS b, hash(n * 11) / 1e19 AS c, ['x', 'y', 'z'][1 + (hash(n * 13) % 3)::INTEGER] AS kind, 'code-' || (hash(n * 17) % 100000) AS code, ${numbers} FROM range(${rows}) t(n)) TO '${path}' (FORMAT parquet, COMPRESSION uncompressed)`,
  );
  db.close();
}
