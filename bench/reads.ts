import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Client, Connection } from "@temporalio/client";
import { createApp } from "../api/app.ts";
import { createArtifactStore } from "../artifacts/artifact-store.ts";
import { loadDefinitionFile } from "../cli/definition-file.ts";
import { createConsole } from "../console/app.ts";
import { createControl } from "../control/control.ts";
import { createSigner } from "../control/signing.ts";
import { createDatabase } from "../db/database.ts";
import { migrateToLatest } from "../db/migrate.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import { createOwnPostgres } from "../test/serving/own-postgres.ts";
import { fillDatabase, modelName, readers, tokenOf, type Reader } from "./reads/fill.ts";
import { quantile } from "./running-instance.ts";

/**
 * How long each page and route takes to read, for each kind of person, in a database of full size: from the
 * request to the end of the answer, within one process. Fills a PostgreSQL of its own, and removes it.
 *
 *   npm run bench:reads -- --models 2000 --gates 100000 --audit 1000000 --evidence-kb 100 --rounds 20
 *   npm run bench:reads -- --save before.json        (and then, with what was changed)
 *   npm run bench:reads -- --before before.json
 *
 * `--database URL` keeps a database: an empty one is migrated and filled, a filled one is measured as it is.
 */
const { values } = parseArgs({
  options: {
    models: { type: "string", default: "2000" },
    gates: { type: "string", default: "100000" },
    audit: { type: "string", default: "1000000" },
    "evidence-kb": { type: "string", default: "100" },
    rounds: { type: "string", default: "20" },
    database: { type: "string" },
    save: { type: "string" },
    before: { type: "string" },
    only: { type: "string" },
  },
});
const aimMs = 50;
const size = {
  models: Number(values.models),
  gates: Number(values.gates),
  audit: Number(values.audit),
  evidenceBytes: Number(values["evidence-kb"]) * 1024,
};
const rounds = Number(values.rounds);

const postgres = values.database === undefined ? await createOwnPostgres() : null;
await postgres?.start();
const url = values.database ?? postgres?.url ?? "";
try {
  const measured = await measureAll(url);
  const before = values.before === undefined ? {} : (JSON.parse(await readFile(values.before, "utf8")) as Measured);
  print(measured, before);
  if (values.save !== undefined) await writeFile(values.save, JSON.stringify(measured, null, 2));
} finally {
  await postgres?.remove();
}

/** p95 in milliseconds by route and reader. */
type Measured = Record<string, Partial<Record<Reader, number>>>;

async function measureAll(databaseUrl: string): Promise<Measured> {
  await migrateToLatest(databaseUrl);
  const db = createDatabase({ url: databaseUrl, timeouts: { statement_timeout: 0, query_timeout: 3_600_000 } });
  const folder = await mkdtemp(join(tmpdir(), "countersign-bench-"));
  try {
    const filled = await db.selectFrom("models").select("name").limit(1).executeTakeFirst();
    if (!filled) {
      const began = Date.now();
      const { definition } = await loadDefinitionFile("examples/credit-risk/model.yaml");
      // The file's form is the resolved one's, without defaults, which no read needs.
      await fillDatabase(db, size, definition as unknown as ResolvedDefinition);
      process.stdout.write(`filled in ${((Date.now() - began) / 1000).toFixed(0)} s\n`);
    }
    const app = createSite(db, folder);
    const gates = await db
      .selectFrom("gates")
      .select(["id", "state"])
      .where("model", "=", modelName(0))
      .orderBy("state", "desc")
      .limit(1)
      .execute();
    const measured: Measured = {};
    for (const path of routesOf(gates[0]?.id ?? "").filter((route) => route.includes(values.only ?? "")))
      for (const reader of Object.keys(readers) as Reader[]) {
        const took = await measure(app, path, reader);
        (measured[path] ??= {})[reader] = took;
      }
    return measured;
  } finally {
    await db.destroy();
    await rm(folder, { recursive: true, force: true });
  }
}

function createSite(db: ReturnType<typeof createDatabase>, folder: string) {
  const { privateKey } = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const control = createControl({
    db,
    // Nothing here asks Temporal.
    temporal: new Client({ connection: Connection.lazy({ address: "127.0.0.1:1" }) }),
    store: createArtifactStore({ directory: folder }),
    signer: createSigner({ privateKeyPem: privateKey }),
  });
  const pages = createConsole({ control, now: () => new Date(), developmentTokens: null });
  return createApp({ control, console: pages, development: true, rate: { perSecond: 1e6, burst: 1e6 } });
}

function routesOf(gate: string): string[] {
  const model = modelName(0);
  return [
    "/",
    "/inbox",
    "/releases",
    "/audit",
    "/audit?actor=person-00000",
    "/people",
    "/policies",
    "/messages",
    "/me",
    `/models/${model}`,
    `/releases/${model}.1`,
    `/versions/${model}.1`,
    `/gates/${gate}`,
    "/api/models?limit=200",
    `/api/models/${model}`,
    `/api/models/${model}/monitoring`,
    `/api/models/${model}/findings`,
    "/api/releases?limit=200",
    "/api/releases?state=running",
    `/api/releases?model=${model}`,
    `/api/releases/${model}.1`,
    "/api/gates?limit=100",
    "/api/gates?state=open&limit=100",
    "/api/gates?state=open&mine=true&limit=100",
    `/api/gates?model=${model}`,
    `/api/gates/${gate}`,
    "/api/versions?limit=200",
    `/api/versions/${model}.1`,
    "/api/predictions/prd_2000",
    "/api/audit?limit=200",
    "/api/audit?kind=model.retired",
    "/api/audit?actor=person-00000",
    "/api/audit?actor=countersign&limit=200",
    `/api/audit?model=${model}`,
    `/api/audit?subject=${model}.1`,
    `/api/audit?from=${new Date(Date.now() - 3_600_000).toISOString()}`,
    `/api/audit?to=${new Date(Date.now() - 20 * 24 * 3_600_000).toISOString()}`,
    "/api/policies",
    "/api/policies/medium-managed",
    "/api/groups",
    "/api/groups/model-risk",
    "/api/principals?limit=200",
    "/api/principals/person-00001",
    "/api/people",
    "/api/messages",
    "/api/delegations",
    "/api/tokens",
    "/api/me",
  ];
}

async function measure(app: ReturnType<typeof createSite>, path: string, reader: Reader): Promise<number> {
  const took: number[] = [];
  for (let round = -2; round < rounds; round++) {
    const began = performance.now();
    const response = await app.request(`http://127.0.0.1:4400${path}`, {
      headers: {
        host: "127.0.0.1:4400",
        ...(path.startsWith("/api") && { authorization: `Bearer ${tokenOf(reader)}` }),
        cookie: `countersign_session=${tokenOf(reader)}`,
      },
    });
    await response.text();
    if (response.status >= 500) throw new Error(`${path} answered ${response.status} to ${reader}.`);
    // The first two warm the caches.
    if (round >= 0) took.push(performance.now() - began);
  }
  return quantile(took, 0.95);
}

function print(measured: Measured, before: Measured): void {
  const names = Object.keys(readers) as Reader[];
  process.stdout.write(`${"p95 in ms, before → after".padEnd(52)}${names.map((name) => name.padStart(18)).join("")}\n`);
  for (const [path, row] of Object.entries(measured)) {
    const cells = names.map((name) => {
      const was = before[path]?.[name];
      const is = row[name] ?? 0;
      return `${was === undefined ? "" : `${was.toFixed(0)} → `}${is.toFixed(0)}${is > aimMs ? " !" : ""}`.padStart(18);
    });
    process.stdout.write(`${path.slice(0, 50).padEnd(52)}${cells.join("")}\n`);
  }
}
