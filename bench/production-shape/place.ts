import { generateKeyPairSync, randomBytes, randomInt } from "node:crypto";
import { chmod, mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePortFrom } from "../../bin/dev/ports.ts";

/** Where the trial runs: a folder of its own, free ports, and what stands for the containers' names and paths. */
export interface Place {
  folder: string;
  ports: { postgres: number; temporal: number; api: number; serving: number };
  /** Ports of the Temporal server that no other process is told. */
  temporalPorts: Record<string, string>;
  /** `.env` of the compose file. */
  variables: Record<string, string>;
  /** As in a container, to as here. */
  rewrite(text: string): string;
}

export async function makePlace(options: {
  root: string;
  temporalServer: string;
  sqlTool: string;
  temporalCli: string;
}): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-production-"));
  // PostgreSQL runs as another user, and must be able to pass through.
  await chmod(folder, 0o755);
  for (const name of ["artifacts", "outbox", "training", "secrets", "programs", "logs", "people"])
    await mkdir(join(folder, name));
  await symlink(options.temporalServer, join(folder, "programs", "temporal-server"));
  await symlink(options.sqlTool, join(folder, "programs", "temporal-sql-tool"));
  await symlink(options.temporalCli, join(folder, "programs", "temporal"));
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  await writeFile(join(folder, "secrets", "signing-key"), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  await writeFile(join(folder, "secrets", "verify-key"), publicKey.export({ type: "spki", format: "pem" }));

  const [postgres = 0, temporal = 0, api = 0, serving = 0, ...others] = await lowPorts(12);
  const names = ["FRONTEND_HTTP_PORT", "FRONTEND_MEMBERSHIP_PORT", "MATCHING_GRPC_PORT", "MATCHING_MEMBERSHIP_PORT"];
  const more = ["HISTORY_GRPC_PORT", "HISTORY_MEMBERSHIP_PORT", "WORKER_GRPC_PORT", "WORKER_MEMBERSHIP_PORT"];
  const temporalPorts = Object.fromEntries([...names, ...more].map((name, index) => [name, String(others[index])]));
  const secret = () => randomBytes(18).toString("hex");
  return {
    folder,
    ports: { postgres, temporal, api, serving },
    temporalPorts: { ...temporalPorts, FRONTEND_GRPC_PORT: String(temporal) },
    variables: {
      POSTGRES_PASSWORD: secret(),
      TEMPORAL_DB_PASSWORD: secret(),
      COUNTERSIGN_DB_PASSWORD: secret(),
      COUNTERSIGN_STAGES_KEY: randomBytes(32).toString("base64"),
      COUNTERSIGN_PUBLIC_URL: `http://127.0.0.1:${api}`,
      COUNTERSIGN_DATA: join(options.root, "examples"),
    },
    rewrite: rewriter([
      [/\bpostgres:5432\b/g, `127.0.0.1:${postgres}`],
      [/\btemporal:7233\b/g, `127.0.0.1:${temporal}`],
      [/\bserving:4500\b|127\.0\.0\.1:4500\b/g, `127.0.0.1:${serving}`],
      [/127\.0\.0\.1:4400\b/g, `127.0.0.1:${api}`],
      [/^5432$/g, String(postgres)],
      [/^7233$/g, String(temporal)],
      [/^4400$/g, String(api)],
      [/^4500$/g, String(serving)],
      [/^postgres$/g, "127.0.0.1"],
      [/^0\.0\.0\.0$/g, "127.0.0.1"],
      [/^\/var\/lib\/countersign\/artifacts$/g, join(folder, "artifacts")],
      [/^\/var\/lib\/countersign\/outbox$/g, join(folder, "outbox")],
      [/^\/tmp\/countersign$/g, join(folder, "training")],
      [/^\/run\/secrets\//g, `${join(folder, "secrets")}/`],
      [/^\/data$/g, join(options.root, "examples")],
      [/^\/etc\/temporal\/config\//g, `${join(options.root, "deploy", "temporal")}/`],
    ]),
  };
}

/** Temporal keeps the ports of its members as smallint on PostgreSQL: 32767 is the last one. */
async function lowPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let from = randomInt(12_000, 30_000); ports.length < count; from = (ports.at(-1) ?? from) + 1)
    ports.push(await freePortFrom(from));
  return ports;
}

function rewriter(rules: [RegExp, string][]): (text: string) => string {
  return (text) => rules.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), text);
}
