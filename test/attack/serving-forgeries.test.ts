import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { sql } from "kysely";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDatabase, type Db } from "../../db/database.ts";
import { builtInPolicies } from "../../domain/built-in-policies.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { commandText, type DecisionCommand } from "../../domain/signed-command.ts";
import { startServing, type Serving } from "../../serving/service.ts";
import { fixtureModel } from "../serving/flights-artifacts.ts";
import { createFlightsFixture, type FlightsFixture } from "../serving/flights-fixture.ts";
import { createServingClient, until } from "../serving/serving-client.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";

/**
 * Somebody with the whole database, a superuser who switches constraints and triggers off, writes
 * whatever row he likes. What serves is what he cannot write: signatures of control.
 */
let database: TestDatabase;
let fixture: FlightsFixture;
let admin: Db;
let serving: Serving;
let predict: ReturnType<typeof createServingClient>["predict"];
const lines: string[] = [];
const approved = `${fixtureModel}.1`;

beforeAll(async () => {
  database = await createTestDatabase();
  fixture = await createFlightsFixture({ url: database.url, rows: 1_000 });
  admin = createDatabase({ url: database.adminUrl, max: 2 });
  await fixture.addVersion(1);
  await fixture.moveSlot(approved);
  serving = await start();
  ({ predict } = createServingClient({ origin: serving.origin, token: fixture.tokens["ada"] ?? "", model: fixtureModel }));
});
afterAll(async () => {
  await serving?.stop();
  await fixture?.close();
  await admin?.destroy();
  await database?.drop();
});

function start(): Promise<Serving> {
  return startServing({
    databaseUrl: database.url,
    store: fixture.store,
    verifier: fixture.verifier,
    host: "127.0.0.1",
    port: 0,
    logger: pino({ level: "info" }, { write: (line: string) => void lines.push(line) }),
    retryMs: 100,
  });
}

async function forge(...statements: string[]): Promise<void> {
  await admin.transaction().execute(async (trx) => {
    await sql`set local session_replication_role = replica`.execute(trx);
    for (const statement of statements) await sql.raw(statement).execute(trx);
  });
}

const served = async () => (await predict(fixture.rows.slice(0, 1))).body.version;
const health = async (origin = serving.origin) => {
  const response = await fetch(`${origin}/health/ready`);
  return { code: response.status, ...((await response.json()) as { status: string; causes: string[] }) };
};

/** The refusal shows in health, log and /slots, and what served goes on serving. */
async function expectRefused(version: string, code: string): Promise<void> {
  const said = await until(`${version} is refused`, async () => {
    const now = await health();
    return now.causes.some((cause) => cause.startsWith(`${version} is refused`)) && now;
  });
  expect(said).toMatchObject({ code: 200, status: "degraded" });
  expect(said.causes[0]).toContain(`(${code})`);
  expect(said.causes[0]).toContain(`${approved} goes on serving.`);
  expect(lines.some((line) => line.includes(`${version} is refused`) && line.includes(code))).toBe(true);
  const answer = await fetch(`${serving.origin}/slots`, { headers: { authorization: `Bearer ${fixture.tokens["ada"]}` } });
  expect(await answer.json()).toMatchObject({ items: [{ version: approved, fault: { version, code } }] });
  expect(await served()).toBe(approved);
}

/** Back to what was approved, with a higher epoch, as a rollback leaves it. */
async function restore(): Promise<void> {
  await fixture.moveSlot(approved);
  await until("all is well again", async () => (await health()).status === "up");
}

/** The row of a slot, an approval by gate and the gate, all by hand, for a version whose policy asks for people. */
async function forgeApproval(number: number, keys: { privateKey: string }, change: (gate: string) => string[] = () => []) {
  const version = await fixture.addVersion(number, { l2: number });
  const { digest } = await fixture.db.selectFrom("versions").select("digest").where("id", "=", version).executeTakeFirstOrThrow();
  const policy = await fixture.db
    .selectFrom("policies")
    .select("digest")
    .where("id", "=", "medium-managed")
    .where("version", "=", 1)
    .executeTakeFirstOrThrow();
  const gate = `${version}.promotion.1`;
  const request = {
    gate,
    subject: { kind: "version", id: version, digest },
    policy: { id: "medium-managed", version: 1, digest: policy.digest },
    deciders: { groups: ["model-risk"], quorum: 1 },
    excluded: [],
    deadline: "2099-01-01T00:00:00.000Z",
    onDeadline: "hold",
    evidence: { recommendation: { verdict: "pass", sentence: "Promote it." } },
  };
  const body: DecisionCommand["body"] = {
    kind: "decide",
    gate,
    decision: "approve",
    digest: digestOfJson(request),
    seen: null,
    reason: null,
    returnTo: null,
    parameters: {},
    inputs: {},
  };
  const command = {
    id: `cmd_${randomBytes(9).toString("hex")}`,
    principal: "grace",
    groups: ["model-risk"],
    surface: "api" as const,
    at: "2026-01-01T00:00:00.000Z",
    body,
  };
  const token = sign(null, Buffer.from(commandText(command)), keys.privateKey).toString("base64url");
  await forge(
    `update releases set policy_id = 'medium-managed' where id = '${version}'`,
    // The columns of rights follow from the request, by the database's own trigger.
    "set local session_replication_role = origin",
    `insert into gates (id, release_id, model, name, number, subject_kind, subject_id, subject_digest, state, resolution, request, request_digest, closed_at)
       values ('${gate}', '${version}', '${fixtureModel}', 'promotion', 1, 'version', '${version}', '${digest}', 'closed', 'approved',
         '${JSON.stringify(request)}', '${body.digest}', now())`,
    "set local session_replication_role = replica",
    `insert into decisions (command_id, gate_id, principal_id, decision, request_digest, body, surface, groups_then, groups_at_close, counted, token, decided_at, counted_as)
       values ('${command.id}', '${gate}', 'grace', 'approve', '${body.digest}', '${JSON.stringify(body)}', 'api', '{model-risk}', '{model-risk}', true, '${token}', '${command.at}', '{model-risk}')`,
    `update approvals set kind = 'gate', gate_id = '${gate}', gate_resolution = 'approved', policy_id = 'medium-managed' where version_id = '${version}'`,
    ...change(gate),
  );
  return version;
}

test("a session's secret asks for no predictions: it is for pages", async () => {
  const secret = `cst_${randomBytes(24).toString("base64url")}`;
  const hash = createHash("sha256").update(secret).digest("hex");
  const kept = { id: "tok_session", principal_id: "ada", kind: "session" as const, hash, name: "session", created_by: "ada" };
  await admin
    .insertInto("tokens")
    .values({ ...kept, expires_at: new Date(Date.now() + 60_000) })
    .execute();
  const client = createServingClient({ origin: serving.origin, token: secret, model: fixtureModel });
  expect((await client.predict(fixture.rows.slice(0, 1))).status).toBe(401);
});

describe("a slot whose row was written behind the product's back", () => {
  test("with a version that was never approved: it is refused, and the champion before it goes on serving", async () => {
    const version = await fixture.addVersion(2, { l2: 2 });
    await forge(
      `delete from approvals where version_id = '${version}'`,
      `update slots set epoch = epoch + 1, champion_version = '${version}', champion_approval = 'apr_${version}'`,
    );
    await expectRefused(version, "never-approved");
    const again = await start();
    // A process that starts now has nothing that it had: it serves nothing, and says why.
    expect(await health(again.origin)).toMatchObject({
      code: 503,
      status: "down",
      causes: [expect.stringMatching(/never-approved.*nothing serves\.$/)],
    });
    const client = createServingClient({ origin: again.origin, token: fixture.tokens["ada"] ?? "", model: fixtureModel });
    expect(await client.predict(fixture.rows.slice(0, 1))).toMatchObject({ status: 503 });
    await again.stop();
    await restore();
  });

  test("with an approval that was revoked", async () => {
    const version = await fixture.addVersion(3, { l2: 3 });
    await forge(`update approvals set revoked_at = now(), revoked_why = 'it was wrong' where version_id = '${version}'`);
    await fixture.moveSlot(version);
    await expectRefused(version, "approval-revoked");
    await restore();
  });

  test("with a gate and a decision signed by another key than control's", async () => {
    const stranger = generateKeyPairSync("ed25519", {
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const version = await forgeApproval(4, stranger);
    await fixture.moveSlot(version);
    await expectRefused(version, "not-signed");
    await restore();
  });

  test("with the very gate and decision that control's key signs, it serves: the forgeries above fail for their signature alone", async () => {
    const version = await forgeApproval(5, fixture.keys);
    await fixture.moveSlot(version);
    await until("it serves", async () => (await served()) === version);
    const verified = lines.map((line) => JSON.parse(line) as { version?: string; verifyMs?: number });
    const { verifyMs = Number.NaN } = verified.find((line) => line.version === version && line.verifyMs !== undefined) ?? {};
    expect(verifyMs).toBeLessThan(1_000);
    await restore();
  });

  test("with another version's signed decision under its own gate", async () => {
    // The gate's columns name the new version; what was signed is the request about version 5.
    const version = await fixture.addVersion(6, { l2: 6 });
    const { digest } = await fixture.db
      .selectFrom("versions")
      .select("digest")
      .where("id", "=", version)
      .executeTakeFirstOrThrow();
    await forge(
      `update releases set policy_id = 'medium-managed' where id = '${version}'`,
      `update gates set release_id = '${version}', subject_id = '${version}', subject_digest = '${digest}' where id = '${fixtureModel}.5.promotion.1'`,
      `update approvals set kind = 'gate', gate_id = '${fixtureModel}.5.promotion.1', gate_resolution = 'approved', policy_id = 'medium-managed' where version_id = '${version}'`,
    );
    await fixture.moveSlot(version);
    await expectRefused(version, "not-signed");
    await restore();
  });

  test("with a policy that was stripped of its gates", async () => {
    const version = await forgeApproval(7, fixture.keys, (gate) => [
      `delete from decisions where gate_id = '${gate}'`,
      `update policies set body = jsonb_set(body, '{gates}', '[]') where id = 'medium-managed'`,
    ]);
    await fixture.moveSlot(version);
    await expectRefused(version, "not-signed");
    await restore();
  });

  /** The fixture's definition as another tier has it, put on record as a superuser can: without anybody's command. */
  const otherTier = () => {
    const body = { ...fixture.definition, tier: "medium" };
    return { digest: digestOfJson(body), text: JSON.stringify(body).replaceAll("'", "''") };
  };

  test("with a release of another tier that was pointed at a policy without gates", async () => {
    const version = await fixture.addVersion(9, { l2: 9 });
    const { digest, text } = otherTier();
    const manifest = { ...fixture.manifests.get(version), definition: digest };
    await forge(
      `insert into definitions (digest, model, body, applied_by) values ('${digest}', '${fixtureModel}', '${text}', 'ada')`,
      `update releases set definition_digest = '${digest}' where id = '${version}'`,
      `update versions set manifest = '${JSON.stringify(manifest)}', digest = '${digestOfJson(manifest)}' where id = '${version}'`,
      `update approvals set version_digest = '${digestOfJson(manifest)}' where version_id = '${version}'`,
    );
    await fixture.moveSlot(version);
    await expectRefused(version, "not-signed");
    await restore();
  });

  test("with a release whose version was made by another definition than it names", async () => {
    const version = await fixture.addVersion(10, { l2: 10 });
    const { digest } = otherTier();
    await forge(
      `update definitions set body = jsonb_set(body, '{tier}', '"low"') where digest = '${digest}'`,
      `update releases set definition_digest = '${digest}' where id = '${version}'`,
    );
    await fixture.moveSlot(version);
    await expectRefused(version, "not-signed");
    await restore();
  });

  test("where commands or the policy's publication are missing, as they are of old records, it serves and health says so", async () => {
    const version = await fixture.addVersion(11, { l2: 11 });
    await forge(`update subject_commands set command = jsonb_set(command, '{principal}', '"eve"')`);
    await fixture.moveSlot(version);
    await until("it serves", async () => (await served()) === version);
    expect(await health()).toMatchObject({ status: "degraded", causes: [expect.stringContaining("apply it again")] });
    await forge(`update subject_commands set command = jsonb_set(command, '{principal}', '"ada"')`);
    const policy = { ...builtInPolicies.find(({ id }) => id === "low-managed"), gates: [], version: 2 };
    const body = JSON.stringify(policy).replaceAll("'", "''");
    await forge(
      `insert into policies (id, version, digest, body, published_by) values ('low-managed', 2, '${digestOfJson(policy)}', '${body}', 'olga')`,
      `update releases set policy_version = 2 where id = '${version}'`,
      `update approvals set policy_version = 2 where version_id = '${version}'`,
    );
    await fixture.moveSlot(version);
    await until("the policy is doubted", async () =>
      (await health()).causes.some((cause) => cause.includes("Neither a gate nor a signed command proves")),
    );
    await restore();
  });

  test("with other bytes under an approved version's name than those that were approved", async () => {
    const version = await fixture.addVersion(8, { l2: 8 });
    const other = { ...fixture.manifests.get(version), threshold: 0.99 };
    await forge(
      `update versions set manifest = '${JSON.stringify(other)}', digest = '${digestOfJson(other)}' where id = '${version}'`,
    );
    await fixture.moveSlot(version);
    await expectRefused(version, "never-approved");
    await restore();
  });
});
