import { generateKeyPairSync, randomBytes, sign as signText } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Client } from "@temporalio/client";
import { sql } from "kysely";
import { expect } from "vitest";
import { createRecordActivities } from "../../activities/record/record-activities.ts";
import { createCommandVerifier } from "../../approvals/verify-command.ts";
import { createArtifactStore } from "../../artifacts/artifact-store.ts";
import { verifyAudit } from "../../db/audit.ts";
import { createDatabase, type Db } from "../../db/database.ts";
import { checkDefinition } from "../../domain/definition-check.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import type { Role } from "../../domain/principal.ts";
import { commandText, type CommandBody, type SignedCommand } from "../../domain/signed-command.ts";
import { createTestDatabase } from "../setup/database.ts";
import { testSealer } from "../world/sealer.ts";

const example = new URL("../../examples/flight-delays/", import.meta.url);

/** The people of a development instance. */
const people: { id: string; kind: "person" | "machine"; group: string; roles: Role[] }[] = [
  { id: "ada", kind: "person", group: "ml-engineering", roles: ["engineer"] },
  { id: "ben", kind: "person", group: "ml-engineering", roles: ["engineer"] },
  { id: "grace", kind: "person", group: "model-risk", roles: ["viewer"] },
  { id: "george", kind: "person", group: "model-risk", roles: ["viewer"] },
  { id: "pia", kind: "person", group: "product", roles: ["viewer"] },
  { id: "olga", kind: "person", group: "platform", roles: ["operator", "admin", "break-glass"] },
  { id: "ci", kind: "machine", group: "model-risk", roles: ["engineer"] },
];

export type Sign = <Body extends CommandBody>(
  principal: string,
  body: Body,
  more?: Partial<SignedCommand<Body>>,
) => SignedCommand<Body>;

/** A real database, a real artifact store, and the activities as a worker has them; signed by a key of its own. */
export async function createRegistry({ temporalClient }: { temporalClient?: Client } = {}) {
  const [database, folder] = await Promise.all([createTestDatabase(), mkdtemp(join(tmpdir(), "countersign-records-"))]);
  const db = createDatabase({ url: database.url });
  const adminDb = createDatabase({ url: database.adminUrl, max: 2 });
  const store = createArtifactStore({ directory: folder });
  const keys = generateKeyPairSync("ed25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const verifier = createCommandVerifier({ publicKeyPem: keys.publicKey });
  const records = createRecordActivities({ db, store, verifier, sealer: testSealer, ...(temporalClient && { temporalClient }) });
  await seed(db);
  const sign = createSign(keys.privateKey);
  return {
    db,
    /** As the superuser: what somebody with the whole database does. */
    adminDb,
    adminUrl: database.adminUrl,
    store,
    folder,
    records,
    verifier,
    sealer: testSealer,
    sign,
    databaseUrl: database.url,
    /** Whatever a test did, its audit must hold. */
    async stop() {
      const audit = await verifyAudit(db);
      if (!audit.ok) throw new Error(`The audit broke at ${audit.firstBreak.seq}: ${audit.firstBreak.why}`);
      await db.destroy();
      await adminDb.destroy();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type Registry = Awaited<ReturnType<typeof createRegistry>>;

function createSign(privateKey: string): Sign {
  return (principal, body, more = {}) => {
    const group = people.find((one) => one.id === principal)?.group;
    const unsigned = {
      id: commandId(),
      principal,
      groups: group ? [group] : [],
      surface: "api" as const,
      at: new Date().toISOString(),
      body,
      ...more,
    };
    return {
      ...unsigned,
      signature: signText(null, Buffer.from(commandText(unsigned)), privateKey).toString("base64url"),
      ...(more.signature && { signature: more.signature }),
    };
  };
}

export function commandId(): string {
  return `cmd_${randomBytes(16).toString("base64url")}`;
}

async function seed(db: Db): Promise<void> {
  const longAgo = "2020-01-01T00:00:00.000Z";
  const groups = [...new Set(people.map((one) => one.group))];
  await db
    .insertInto("groups")
    .values(groups.map((id) => ({ id })))
    .execute();
  await db
    .insertInto("principals")
    .values(people.map(({ id, kind, roles }) => ({ id, kind, roles, display_name: id })))
    .execute();
  await db
    .insertInto("group_members")
    .values(people.map(({ id, group }) => ({ group_id: group, principal_id: id, since: longAgo })))
    .execute();
}

/** The flights example, resolved, with what a test changes of it. */
export async function exampleDefinition(change: Partial<ResolvedDefinition> = {}): Promise<ResolvedDefinition> {
  const read = (name: string) => readFile(new URL(name, example), "utf8");
  const files = { "contract.yaml": await read("contract.yaml"), "features.sql": await read("features.sql") };
  const { definition, faults } = checkDefinition(await read("model.yaml"), { format: "yaml", filesAllowed: true, files });
  if (!definition) throw new Error(JSON.stringify(faults));
  return { ...definition, ...change };
}

/** Runs an activity twice, as Temporal does when the answer was lost: the same answer, and no row more or other than after the first run. */
export async function twice<Answer>(db: Db, activity: () => Promise<Answer>): Promise<Answer> {
  const first = await activity();
  const before = await fingerprint(db);
  const second = await activity();
  expect(second).toEqual(first);
  expect(await fingerprint(db)).toEqual(before);
  return first;
}

/** Every row of every table, as one hash a table; but for when the watch looked. */
export async function fingerprint(db: Db): Promise<Record<string, string>> {
  const { rows: tables } = await sql<{
    name: string;
  }>`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'watch_jobs' ORDER BY 1`.execute(db);
  const hashes = tables.map(
    ({ name }) => sql`SELECT ${name} AS name, md5(string_agg(t::text, E'\n' ORDER BY t::text)) AS hash FROM ${sql.table(name)} t`,
  );
  const { rows } = await sql<{ name: string; hash: string | null }>`${sql.join(hashes, sql` UNION ALL `)}`.execute(db);
  return Object.fromEntries(rows.map(({ name, hash }) => [name, hash ?? "empty"]));
}

/** The kinds of records about a subject, in their order. */
export async function auditKinds(db: Db, subject: string): Promise<string[]> {
  const rows = await db.selectFrom("audit").select("kind").where("subject", "=", subject).orderBy("seq").execute();
  return rows.map((row) => row.kind);
}
