import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { Db } from "../../db/database.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";

/** How much there is. A release has one version and one gate; a tenth of the gates waits. */
export interface Size {
  models: number;
  gates: number;
  audit: number;
  /** Of the evidence of one gate. Repeated text, which PostgreSQL compresses; what is read is unpacked all the same. */
  evidenceBytes: number;
}

/** Who reads, with the token that they are known by. */
export const readers = {
  /** Runs the platform. */
  admin: { groups: ["platform"], roles: ["admin", "operator"] },
  /** One of a team that owns a hundredth of the models. */
  owner: { groups: ["team-000"], roles: ["engineer"] },
  /** Decides on most gates, and so reads nearly all models. */
  decider: { groups: ["model-risk"], roles: ["viewer"] },
  /** Joined the deciding group after every gate opened. */
  newcomer: { groups: ["model-risk"], roles: ["viewer"] },
  stranger: { groups: ["elsewhere"], roles: ["viewer"] },
} as const;
export type Reader = keyof typeof readers;

export const tokenOf = (reader: Reader) => `cst_bench_${reader}`;
export const modelName = (number: number) => `model-${String(number).padStart(5, "0")}`;

const teams = 100;

/** Fills a migrated database without people of its own; a few minutes at full size. */
export async function fillDatabase(db: Db, size: Size, definition: ResolvedDefinition): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`set local statement_timeout = 0`.execute(trx);
    // A notice a record would be a million; nobody listens.
    await sql`alter table audit disable trigger audit_told`.execute(trx);
    await fillPeople(trx);
    await fillModels(trx, size, definition);
    await fillReleases(trx, size);
    await fillGates(trx, size);
    await fillRecords(trx, size);
    await sql`alter table audit enable trigger audit_told`.execute(trx);
  });
  await sql`vacuum analyze`.execute(db);
}

/** Two thousand people: twenty in each of a hundred teams, two hundred of them in model-risk as well. */
async function fillPeople(db: Db): Promise<void> {
  await sql`insert into groups (id) select 'team-' || lpad(n::text, 3, '0') from generate_series(0, ${teams - 1}::int) n
    union all select unnest(array['model-risk', 'product', 'platform', 'elsewhere'])`.execute(db);
  await sql`insert into principals (id, kind, display_name, roles)
    select 'person-' || lpad(n::text, 5, '0'), 'person', 'Person ' || n, array['engineer'] from generate_series(0, ${teams * 20 - 1}::int) n`.execute(
    db,
  );
  await sql`insert into group_members (group_id, principal_id, since)
    select g, 'person-' || lpad(n::text, 5, '0'), '2020-01-01' from generate_series(0, ${teams * 20 - 1}::int) n,
      lateral (select 'team-' || lpad((n % ${teams}::int)::text, 3, '0') as g union all select 'model-risk' where n % 10 = 0
        union all select 'product' where n % 20 = 1) every`.execute(db);
  for (const [id, { groups, roles }] of Object.entries(readers)) {
    const hash = createHash("sha256").update(`cst_bench_${id}`).digest("hex");
    const since = id === "newcomer" ? new Date() : new Date("2020-01-01");
    await db
      .insertInto("principals")
      .values({ id, kind: "person", display_name: id, roles: [...roles] })
      .execute();
    await db
      .insertInto("group_members")
      .values(groups.map((group) => ({ group_id: group, principal_id: id, since })))
      .execute();
    await db
      .insertInto("tokens")
      .values({ id, principal_id: id, kind: "api", hash, name: "bench", created_by: id, expires_at: new Date(4e12) })
      .execute();
  }
}

async function fillModels(db: Db, { models }: Size, definition: ResolvedDefinition): Promise<void> {
  await sql`insert into models (name, owner_team, owner_person, tier, maturity, title, environment, state, definition_digest, created_at)
    select 'model-' || lpad(n::text, 5, '0'), 'team-' || lpad((n % ${teams}::int)::text, 3, '0'), 'person-00000',
      (array['low', 'medium', 'high'])[1 + n % 3], (array['initial', 'managed', 'integrated', 'optimized'])[1 + n % 4],
      'Model ' || n, 'production', 'active', 'sha256:' || md5(n::text) || md5(n::text), now() - (n || ' minutes')::interval
    from generate_series(0, ${models - 1}::int) n`.execute(db);
  await sql`insert into definitions (digest, model, body, applied_by)
    select definition_digest, name, ${JSON.stringify(definition)}::jsonb || jsonb_build_object('model', name), 'person-00000' from models`.execute(
    db,
  );
  await sql`insert into slots (model, environment) select name, 'production' from models`.execute(db);
}

async function fillReleases(db: Db, { models, gates }: Size): Promise<void> {
  const of = sql`(select n, 'model-' || lpad((n % ${models}::int)::text, 5, '0') as model, 1 + n / ${models}::int as number,
    now() - ((${gates}::int - n) || ' minutes')::interval as at from generate_series(0, ${gates - 1}::int) n)`;
  await sql`insert into releases (id, model, number, state, outcome, trigger, reason, requested_by, definition_digest, policy_id,
      policy_version, created_at, ended_at)
    select r.model || '.' || r.number, r.model, r.number, 'ended', 'promoted', 'api', 'new data', 'person-00000', m.definition_digest,
      f.policy_id, f.policy_version, r.at, r.at
    from ${of} r join models m on m.name = r.model
      join policies_in_force f on f.tier = m.tier and f.maturity = m.maturity and f.team = ''`.execute(db);
  await sql`insert into versions (id, model, release_id, digest, manifest, created_at)
    select id, model, id, 'sha256:' || md5(id) || md5(id), ${JSON.stringify(emptyManifest)}::jsonb
      || jsonb_build_object('version', id, 'model', model, 'onnx', 'sha256:' || md5(id) || md5(id)), created_at from releases`.execute(
    db,
  );
  await sql`insert into release_stages (release_id, stage, state, attempts, started_at, ended_at, summary)
    select id, unnest(array['ingest', 'validate', 'featurize', 'train', 'evaluate']), 'done', 1, created_at, created_at, 'Done.' from releases`.execute(
    db,
  );
  await sql`insert into contributors (release_id, principal_id, how, at)
    select id, 'person-00000', 'requested this release', created_at from releases`.execute(db);
}

/** Most are decided by model-risk, some by one of each of two groups, by a named person, or by a team's own. */
async function fillGates(db: Db, { gates, evidenceBytes }: Size): Promise<void> {
  const deciders = sql`case
    when r.n % 10 < 6 then '{"groups": ["model-risk"], "quorum": 1}'::jsonb
    when r.n % 10 < 8 then '{"groups": [], "quorum": 2, "oneFromEach": ["model-risk", "product"]}'::jsonb
    when r.n % 10 < 9 then jsonb_build_object('groups', '[]'::jsonb, 'quorum', 1, 'people', jsonb_build_array('person-00007'))
    else jsonb_build_object('groups', jsonb_build_array('team-' || lpad((r.n % ${teams}::int)::text, 3, '0')), 'quorum', 1) end`;
  const evidence = { recommendation: { verdict: "pass", sentence: "Every threshold is met." }, ...emptyEvidence };
  const details = sql`jsonb_build_array(jsonb_build_object('title', 'Evidence', 'text', repeat('What was measured. ', ${Math.round(evidenceBytes / 19)}::int)))`;
  await sql`insert into gates (id, release_id, model, name, number, subject_kind, subject_id, subject_digest, state, resolution, request,
      request_digest, created_at, opened_at, closed_at, outcome)
    select r.id || '.promotion.1', r.id, r.model, 'promotion', 1, 'version', r.id, 'sha256:' || md5(r.id) || md5(r.id),
      case when r.n % 10 = r.n / 10 % 10 then 'open' else 'closed' end, case when r.n % 10 = r.n / 10 % 10 then null else 'approved' end,
      jsonb_build_object('gate', r.id || '.promotion.1', 'subject', jsonb_build_object('kind', 'version', 'id', r.id, 'digest', 'sha256:' || md5(r.id) || md5(r.id)),
        'ask', 'May this version become the champion?', 'why', 'New data.', 'evidence', ${JSON.stringify(evidence)}::jsonb || jsonb_build_object('details', ${details}),
        'policy', jsonb_build_object('id', r.policy_id, 'version', r.policy_version, 'digest', 'sha256:' || md5(r.policy_id) || md5(r.policy_id)),
        'deciders', ${deciders}, 'excluded', '[{"principal": "person-00000", "why": "requested this release"}]'::jsonb, 'opensAt', r.created_at,
        'deadline', now() + interval '7 days', 'onDeadline', 'hold', 'escalation', '[{"groups": ["platform"], "afterMs": 1000}]'::jsonb,
        'ownerTeam', 'team-000', 'inputs', '[]'::jsonb, 'conditional', null, 'expiresAt', null),
      'sha256:' || md5('gate' || r.id) || md5(r.id), r.created_at, r.created_at,
      case when r.n % 10 = r.n / 10 % 10 then null else r.created_at + interval '1 hour' end,
      case when r.n % 10 = r.n / 10 % 10 then null else jsonb_build_object('by', 'person-00010', 'at', r.created_at, 'reason', null, 'inputs', '{}'::jsonb, 'conditions', '[]'::jsonb) end
    from (select *, row_number() over (order by created_at) - 1 as n from releases) r limit ${gates}`.execute(db);
  await sql`insert into votes (command_id, gate_id, principal_id, decision, groups, command, cast_at, ended_at)
    select 'vote_' || id, id, 'person-00020', 'approve', '{model-risk}', '{"body": {}}', created_at, closed_at from gates`.execute(
    db,
  );
  await sql`insert into decisions (command_id, gate_id, principal_id, decision, request_digest, body, surface, groups_then, groups_at_close,
      counted, token, decided_at, counted_as)
    select 'cmd_' || id, id, 'person-00010', 'approve', request_digest, '{"inputs": {}, "parameters": {}}', 'console', '{model-risk}', '{model-risk}',
      true, 'x', closed_at, '{model-risk}' from gates where state = 'closed'`.execute(db);
  await sql`insert into approvals (id, version_id, version_digest, environment, kind, gate_id, gate_resolution, policy_id, policy_version, at)
    select 'apr_' || g.id, g.subject_id, g.subject_digest, 'production', 'gate', g.id, 'approved', r.policy_id, r.policy_version, g.closed_at
    from gates g join releases r on r.id = g.release_id where g.state = 'closed'`.execute(db);
  await sql`insert into deployments (id, model, environment, kind, version_id, share, epoch, approval_id, by, reason, at)
    select 'dpl_' || v.id, v.model, 'production', 'promote', v.id, 1, r.number, a.id, 'person-00010', 'approved', a.at
    from approvals a join versions v on v.id = a.version_id join releases r on r.id = v.release_id`.execute(db);
}

const digest = `sha256:${"0".repeat(64)}`;
const emptyManifest = {
  features: digest,
  dataset: digest,
  definition: digest,
  trainData: digest,
  threshold: 0.5,
  labelName: "late",
  trainer: { name: "baseline", seed: 1, parameters: {}, environment: {} },
  runtime: { onnxruntime: "1", duckdb: "1" },
};

const emptyEvidence = {
  evaluation: null,
  evaluationBody: null,
  stages: [],
  lineage: [],
  tier: "medium",
  tierReason: "The definition says so.",
  champion: null,
  rollbackTarget: null,
  trainingMs: 1,
  trigger: "api",
  requestedBy: "person-00000",
  reason: "new data",
  parent: null,
  parentRequest: null,
  parameters: {},
  previousDecisions: [],
};

/** Audit, predictions and messages: what grows by itself. The chain is not one that verifies. */
async function fillRecords(db: Db, { models, gates, audit }: Size): Promise<void> {
  const last = sql`(select coalesce(max(seq), 0) from audit)`;
  await sql`insert into audit (seq, at, kind, actor, model, subject, body, prev, hash)
    select s.seq, s.at, s.kind, s.actor, s.model, s.subject, jsonb_build_object('seq', s.seq, 'at', s.at, 'kind', s.kind, 'actor', s.actor,
      'model', s.model, 'subject', s.subject, 'prev', 'x', 'data', jsonb_build_object('what', repeat('x', 200)))::text, 'x', 'sha256:' || md5(s.seq::text)
    from (select ${last} + n as seq, now() - ((${audit}::int - n) || ' seconds')::interval as at,
      (array['stage.ended', 'gate.opened', 'gate.closed', 'vote.cast', 'release.created', 'slot.moved'])[1 + n % 6] as kind,
      case when n % 5 = 0 then 'person-' || lpad((n % 2000)::text, 5, '0') else 'countersign' end as actor,
      case when n % 50 = 0 then null else 'model-' || lpad((n % ${models}::int)::text, 5, '0') end as model,
      case when n % 50 = 0 then 'model-risk' else 'model-' || lpad((n % ${models}::int)::text, 5, '0') || '.' || (1 + n % 50) end as subject
      from generate_series(1, ${audit}::int) n) s`.execute(db);
  await sql`update audit_head set (seq, hash) = (select seq, hash from audit order by seq desc limit 1)`.execute(db);
  await sql`insert into predictions (id, model, environment, version_id, epoch, at, request, label, probability)
    select 'prd_' || n, 'model-' || lpad((n % ${models}::int)::text, 5, '0'), 'production', 'model-' || lpad((n % ${models}::int)::text, 5, '0') || '.1', 1,
      now() - (n || ' seconds')::interval, '{"distance": 100}', 'late', 0.5 from generate_series(1, ${gates * 2}::int) n`.execute(
    db,
  );
  await sql`insert into deliveries (id, notice, subject, model, event, way, destination, wanted, delivered, state)
    select 'dlv_' || n, 'gate', 'model-00000.1', 'model-00000', n, 'slack', 'C1', n, n, 'done' from generate_series(1, ${gates * 2}::int) n`.execute(
    db,
  );
}
