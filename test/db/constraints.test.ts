import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import pg from "pg";
import { applyExample, decision, model, promote, waitAtGate, type OpenGate } from "../records/passage.ts";
import { createRegistry, type Registry } from "../records/registry.ts";

/**
 * What the database refuses whatever the code says: plain SQL, as wrong code, a hasty operator or
 * an attacker with the product's own credentials would send it.
 */
let registry: Registry;
let client: pg.Client;
let open: OpenGate;

const first = `${model}.1`;
const second = `${model}.2`;

beforeAll(async () => {
  registry = await createRegistry();
  await applyExample(registry);
  await promote(registry, 1);
  open = await waitAtGate(registry, 2);
  client = new pg.Client({ connectionString: registry.adminUrl });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await registry.stop();
});

/** Every attempt leaves the rows as they were. */
beforeEach(async () => {
  await client.query("ROLLBACK");
  await client.query("BEGIN");
});

const attempt = async (statement: string) => client.query(statement);
const approvalOf = (version: string, digest: string, gate: string) =>
  `INSERT INTO approvals (id, version_id, version_digest, environment, kind, gate_id, gate_resolution, policy_id, policy_version)
   VALUES ('apr_x', '${version}', ${digest}, 'production', 'gate', '${gate}', 'approved', 'medium-managed', 1)`;
const digestOf = (version: string) => `(SELECT digest FROM versions WHERE id = '${version}')`;

test.each([
  ["a second champion of one slot", `INSERT INTO slots (model, environment) VALUES ('${model}', 'production')`, /slots_pkey/],
  [
    "a champion without an approval",
    `UPDATE slots SET champion_version = '${second}', champion_approval = NULL, epoch = epoch + 1`,
    /slots_check/,
  ],
  [
    "a champion on another version's approval",
    `UPDATE slots SET champion_version = '${second}', epoch = epoch + 1`,
    /slots_champion_version_environment_champion_approval_fkey/,
  ],
  ["a champion of another environment's approval", `UPDATE slots SET environment = 'elsewhere'`, /foreign key/],
  [
    "a champion moved without raising the epoch",
    "UPDATE slots SET champion_version = NULL, champion_approval = NULL, champion_since = NULL",
    /without raising its epoch/,
  ],
  ["an epoch that falls", "UPDATE slots SET epoch = epoch - 1", /only grows/],
  [
    "an approval of bytes that the version does not have",
    approvalOf(second, `'sha256:${"0".repeat(64)}'`, `${second}.promotion.1`),
    /approvals_version_id_version_digest_fkey/,
  ],
  [
    "an approval by a gate that is open",
    approvalOf(second, digestOf(second), `${second}.promotion.1`),
    /approvals_gate_id_gate_resolution_fkey/,
  ],
  [
    "an approval by another version's gate",
    approvalOf(second, digestOf(second), `${first}.promotion.1`),
    /approvals_gate_id_version_id_version_digest_fkey/,
  ],
  [
    "an approval by a gate that names none",
    `INSERT INTO approvals (id, version_id, version_digest, environment, kind, policy_id, policy_version)
     SELECT 'apr_z', id, digest, 'production', 'gate', 'medium-managed', 1 FROM versions WHERE id = '${second}'`,
    /approvals_check/,
  ],
  [
    "a second approval of a version",
    `INSERT INTO approvals SELECT 'apr_y', version_id, version_digest, environment, kind, gate_id, gate_resolution, policy_id, policy_version FROM approvals`,
    /approvals_one_standing/,
  ],
  [
    "another resolution of a decided gate",
    `UPDATE gates SET resolution = 'rejected' WHERE id = '${first}.promotion.1'`,
    /closed as approved|foreign key/,
  ],
  [
    "a decided gate opened again",
    `UPDATE gates SET state = 'open', resolution = NULL, closed_at = NULL WHERE id = '${first}.promotion.1'`,
    /closed as approved/,
  ],
  ["a gate that is taken away", `DELETE FROM gates WHERE id = '${second}.promotion.1'`, /never deleted/],
  [
    "a frozen request that is edited",
    `UPDATE gates SET request = jsonb_set(request, '{ask}', '"x"') WHERE id = '${second}.promotion.1'`,
    /is frozen/,
  ],
  ["a frozen digest that is edited", `UPDATE gates SET request_digest = 'x' WHERE id = '${second}.promotion.1'`, /is frozen/],
  [
    "a closed gate without a resolution",
    `UPDATE gates SET state = 'closed', closed_at = now() WHERE id = '${second}.promotion.1'`,
    /gates_check/,
  ],
  [
    "two open requests of one gate",
    `INSERT INTO gates (id, release_id, model, name, number, subject_kind, subject_id, subject_digest, state, request, request_digest)
     SELECT id || 'x', release_id, model, name, 2, subject_kind, subject_id, subject_digest, 'open', request, 'other' FROM gates WHERE id = '${second}.promotion.1'`,
    /gates_one_open/,
  ],
  [
    "a command that counts twice",
    "INSERT INTO command_results (command_id, kind, ok, result) SELECT command_id, kind, ok, result FROM command_results LIMIT 1",
    /command_results_pkey/,
  ],
  ["a decision that is changed", "UPDATE decisions SET counted = false, why_not = 'x'", /never changed or deleted/],
  ["a decision that is taken back behind the product's back", "DELETE FROM decisions", /never changed or deleted/],
  [
    "a second vote of one person",
    `INSERT INTO decisions (command_id, gate_id, principal_id, decision, request_digest, body, surface, groups_then, groups_at_close, counted, token, decided_at)
     SELECT 'cmd_other', gate_id, principal_id, 'reject', request_digest, body, surface, groups_then, groups_at_close, true, token, decided_at FROM decisions`,
    /decisions_one_vote/,
  ],
  [
    "a decision that does not count and says not why",
    `INSERT INTO decisions (command_id, gate_id, principal_id, decision, request_digest, body, surface, groups_then, groups_at_close, counted, token, decided_at)
     SELECT 'cmd_other', gate_id, 'george', decision, request_digest, body, surface, groups_then, groups_at_close, false, token, decided_at FROM decisions`,
    /decisions_check/,
  ],
  ["a version whose bytes change", `UPDATE versions SET digest = 'x' WHERE id = '${first}'`, /immutable/],
  ["a version whose manifest changes", `UPDATE versions SET manifest = '{}' WHERE id = '${first}'`, /immutable/],
  ["a version that is deleted", `DELETE FROM versions WHERE id = '${first}'`, /immutable/],
  ["a definition that is edited", "UPDATE definitions SET body = '{}'", /never changed or deleted/],
  ["a policy that is edited", "UPDATE policies SET body = '{}'", /never changed or deleted/],
  ["a deployment that is edited", "UPDATE deployments SET by = 'x'", /never changed or deleted/],
  ["an audit record that is edited", "UPDATE audit SET actor = 'x'", /never changed or deleted/],
  ["an audit record that is deleted", "DELETE FROM audit", /never changed or deleted/],
  ["an audit that is emptied", "TRUNCATE audit", /never changed or deleted/],
  [
    "two active releases of one model",
    `UPDATE releases SET state = 'running', outcome = NULL WHERE id = '${first}'`,
    /releases_one_active/,
  ],
  ["an ended release without an outcome", `UPDATE releases SET state = 'ended' WHERE id = '${second}'`, /releases_check/],
])("%s is refused", async (_, statement, why) => {
  await expect(attempt(statement)).rejects.toThrow(why);
});

test("a revoked approval stays revoked", async () => {
  await client.query("UPDATE approvals SET revoked_at = now()");
  await expect(client.query("UPDATE approvals SET revoked_at = NULL")).rejects.toThrow(/can only be revoked/);
});

test("the same rows allow what is right", async () => {
  await client.query("ROLLBACK");
  const closed = await registry.records.closeGate({ gate: open.gate, commands: [decision(registry, open, "grace")] });
  expect(closed).toMatchObject({ kind: "closed", resolution: "approved" });
  expect(await registry.records.deploy({ release: open.release })).toMatchObject({ epoch: 2 });
});
