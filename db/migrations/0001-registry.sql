-- Timestamps are timestamptz; ids are text as in domain/ids.ts; digests are 'sha256:<hex>'.
-- Constraints here hold against wrong code too: one champion a slot, no champion without an
-- approval of exactly those bytes, one resolution a gate, a command once, an audit that only grows.

CREATE TABLE principals (
  id           text PRIMARY KEY,
  kind         text NOT NULL CHECK (kind IN ('person', 'machine')),
  display_name text NOT NULL,
  roles        text[] NOT NULL DEFAULT '{}',
  active       boolean NOT NULL DEFAULT true,
  created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE groups (
  id         text PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- A membership is a span of time, so that one can ask who belonged when a gate opened.
CREATE TABLE group_members (
  group_id     text NOT NULL REFERENCES groups (id),
  principal_id text NOT NULL REFERENCES principals (id),
  since        timestamptz NOT NULL DEFAULT now(),
  until        timestamptz,
  PRIMARY KEY (group_id, principal_id, since)
);
CREATE UNIQUE INDEX group_members_present ON group_members (group_id, principal_id) WHERE until IS NULL;
CREATE INDEX group_members_principal ON group_members (principal_id);

CREATE TABLE tokens (
  id           text PRIMARY KEY,
  principal_id text NOT NULL REFERENCES principals (id),
  kind         text NOT NULL CHECK (kind IN ('api', 'session')),
  hash         text NOT NULL UNIQUE,
  name         text NOT NULL,
  scopes       text[] NOT NULL DEFAULT '{}',
  created_by   text NOT NULL REFERENCES principals (id),
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  revoked_at   timestamptz
);

-- Idempotency: the first answer to a command, byte for byte. Written by control.
CREATE TABLE commands (
  id              text PRIMARY KEY,
  principal_id    text NOT NULL REFERENCES principals (id),
  route           text NOT NULL,
  idempotency_key text NOT NULL,
  body_digest     text NOT NULL,
  state           text NOT NULL CHECK (state IN ('running', 'pending', 'done')),
  gate_id         text,
  -- The signed command, so that one whose outcome was not known in time can be delivered again under the same id.
  signed          jsonb,
  response_status integer,
  response_body   text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  -- When a process last took it up; null when nobody works on it. One that was left lying is taken up again under the same id.
  taken_at        timestamptz DEFAULT now(),
  completed_at    timestamptz,
  UNIQUE (principal_id, route, idempotency_key)
);

-- Decision attempts that were refused before any workflow saw them. Written by control.
CREATE TABLE attempts (
  id           text PRIMARY KEY,
  gate_id      text NOT NULL,
  principal_id text NOT NULL,
  surface      text NOT NULL,
  decision     text NOT NULL,
  receipt      text NOT NULL,
  message      text NOT NULL,
  at           timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attempts_gate ON attempts (gate_id, at);

CREATE TABLE policies (
  id           text NOT NULL,
  version      integer NOT NULL CHECK (version > 0),
  digest       text NOT NULL UNIQUE,
  body         jsonb NOT NULL,
  published_by text NOT NULL,
  published_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id, version)
);

CREATE TABLE models (
  name              text PRIMARY KEY,
  owner_team        text NOT NULL,
  owner_person      text NOT NULL,
  tier              text NOT NULL,
  maturity          text NOT NULL,
  title             text NOT NULL,
  environment       text NOT NULL,
  state             text NOT NULL CHECK (state IN ('active', 'paused', 'retired')),
  definition_digest text NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE definitions (
  digest     text NOT NULL,
  model      text NOT NULL REFERENCES models (name) DEFERRABLE INITIALLY DEFERRED,
  body       jsonb NOT NULL,
  applied_by text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (model, digest)
);

CREATE TABLE releases (
  id                text PRIMARY KEY,
  model             text NOT NULL REFERENCES models (name),
  number            integer NOT NULL CHECK (number > 0),
  state             text NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'blocked', 'ended')),
  outcome           text CHECK (outcome IN ('promoted', 'rejected', 'changes-requested', 'expired', 'superseded', 'withdrawn', 'abandoned', 'aborted', 'kept')),
  parent            text REFERENCES releases (id),
  next              text,
  stage             text,
  trigger           text NOT NULL CHECK (trigger IN ('api', 'slack', 'schedule', 'drift', 'data', 'console', 'cli')),
  reason            text NOT NULL,
  requested_by      text NOT NULL,
  parameters        jsonb NOT NULL DEFAULT '{}',
  definition_digest text NOT NULL,
  policy_id         text NOT NULL,
  policy_version    integer NOT NULL,
  waits_for         text,
  blocked           jsonb,
  temporal_run_id   text,
  created_at        timestamptz NOT NULL DEFAULT now(),
  ended_at          timestamptz,
  UNIQUE (model, number),
  FOREIGN KEY (model, definition_digest) REFERENCES definitions (model, digest),
  FOREIGN KEY (policy_id, policy_version) REFERENCES policies (id, version),
  CHECK ((state = 'ended') = (outcome IS NOT NULL)),
  CHECK ((state = 'blocked') = (blocked IS NOT NULL))
);
CREATE UNIQUE INDEX releases_one_active ON releases (model) WHERE state IN ('running', 'waiting', 'blocked');

-- Each accepted request for a release and the one release it led to.
CREATE TABLE release_requests (
  command_id   text PRIMARY KEY,
  model        text NOT NULL REFERENCES models (name),
  release_id   text NOT NULL REFERENCES releases (id),
  folded       boolean NOT NULL,
  requested_by text NOT NULL,
  at           timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE release_stages (
  release_id text NOT NULL REFERENCES releases (id),
  stage      text NOT NULL,
  state      text NOT NULL CHECK (state IN ('pending', 'running', 'done', 'failed', 'skipped')),
  attempts   integer NOT NULL DEFAULT 0,
  started_at timestamptz,
  ended_at   timestamptz,
  summary    text,
  result     jsonb,
  error      jsonb,
  log        text,
  PRIMARY KEY (release_id, stage)
);

-- People who did something to a release that bars them from deciding on it, and what it was.
CREATE TABLE contributors (
  release_id   text NOT NULL REFERENCES releases (id),
  principal_id text NOT NULL,
  how          text NOT NULL,
  at           timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (release_id, principal_id, how)
);

CREATE TABLE versions (
  id          text PRIMARY KEY,
  model       text NOT NULL REFERENCES models (name),
  release_id  text NOT NULL UNIQUE REFERENCES releases (id),
  digest      text NOT NULL,
  manifest    jsonb NOT NULL,
  evaluation  jsonb,
  evaluation_digest text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (id, digest),
  UNIQUE (model, id)
);

CREATE TABLE gates (
  id             text PRIMARY KEY,
  release_id     text REFERENCES releases (id),
  model          text REFERENCES models (name),
  name           text NOT NULL,
  number         integer NOT NULL CHECK (number > 0),
  subject_kind   text NOT NULL,
  subject_id     text NOT NULL,
  subject_digest text NOT NULL,
  state          text NOT NULL CHECK (state IN ('opening', 'open', 'closed')),
  resolution     text CHECK (resolution IN ('approved', 'rejected', 'changes-requested', 'expired', 'superseded', 'withdrawn')),
  request        jsonb NOT NULL,
  request_digest text NOT NULL UNIQUE,
  superseded_by  text REFERENCES gates (id),
  created_at     timestamptz NOT NULL DEFAULT now(),
  opened_at      timestamptz,
  closed_at      timestamptz,
  CHECK ((state = 'closed') = (resolution IS NOT NULL)),
  CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
  UNIQUE (id, resolution),
  UNIQUE (id, subject_id, subject_digest)
);
CREATE INDEX gates_model ON gates (model, closed_at);
CREATE INDEX gates_newest ON gates (model, created_at);
CREATE UNIQUE INDEX gates_one_open ON gates (release_id, name) WHERE state <> 'closed';

CREATE TABLE decisions (
  command_id     text PRIMARY KEY,
  gate_id        text NOT NULL REFERENCES gates (id),
  principal_id   text NOT NULL,
  decision       text NOT NULL CHECK (decision IN ('approve', 'reject', 'request-changes', 'escalate')),
  request_digest text NOT NULL,
  seen           text,
  reason         text,
  body           jsonb NOT NULL,
  surface        text NOT NULL,
  groups_then    text[] NOT NULL,
  groups_at_close text[] NOT NULL,
  counted        boolean NOT NULL,
  why_not        text,
  token          text NOT NULL,
  decided_at     timestamptz NOT NULL,
  recorded_at    timestamptz NOT NULL DEFAULT now(),
  CHECK (counted OR why_not IS NOT NULL)
);
CREATE INDEX decisions_gate ON decisions (gate_id);
-- One person counts once.
CREATE UNIQUE INDEX decisions_one_vote ON decisions (gate_id, principal_id) WHERE counted AND decision <> 'escalate';

-- What allows a version to serve: a gate that was approved, or a policy that asks for none.
CREATE TABLE approvals (
  id             text PRIMARY KEY,
  version_id     text NOT NULL,
  version_digest text NOT NULL,
  environment    text NOT NULL,
  kind           text NOT NULL CHECK (kind IN ('gate', 'policy')),
  gate_id        text,
  gate_resolution text CHECK (gate_resolution = 'approved'),
  policy_id      text NOT NULL,
  policy_version integer NOT NULL,
  at             timestamptz NOT NULL DEFAULT now(),
  revoked_at     timestamptz,
  FOREIGN KEY (version_id, version_digest) REFERENCES versions (id, digest),
  FOREIGN KEY (gate_id, gate_resolution) REFERENCES gates (id, resolution),
  FOREIGN KEY (gate_id, version_id, version_digest) REFERENCES gates (id, subject_id, subject_digest),
  FOREIGN KEY (policy_id, policy_version) REFERENCES policies (id, version),
  CHECK ((kind = 'gate') = (gate_id IS NOT NULL AND gate_resolution IS NOT NULL)),
  UNIQUE (version_id, environment),
  UNIQUE (version_id, environment, id)
);

-- The slot row is the only owner of traffic. The primary key makes one champion a slot; the
-- foreign key makes a champion without an approval impossible.
CREATE TABLE slots (
  model             text NOT NULL REFERENCES models (name),
  environment       text NOT NULL,
  epoch             bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  champion_version  text,
  champion_approval text,
  champion_since    timestamptz,
  PRIMARY KEY (model, environment),
  FOREIGN KEY (model, champion_version) REFERENCES versions (model, id),
  FOREIGN KEY (champion_version, environment, champion_approval) REFERENCES approvals (version_id, environment, id),
  CHECK ((champion_version IS NULL) = (champion_approval IS NULL)),
  CHECK ((champion_version IS NULL) = (champion_since IS NULL))
);

CREATE TABLE deployments (
  id          text PRIMARY KEY,
  model       text NOT NULL,
  environment text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('promote', 'rollback')),
  version_id  text NOT NULL REFERENCES versions (id),
  previous    text REFERENCES versions (id),
  share       double precision NOT NULL CHECK (share > 0 AND share <= 1),
  epoch       bigint NOT NULL,
  approval_id text NOT NULL REFERENCES approvals (id),
  by          text NOT NULL,
  reason      text NOT NULL,
  at          timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (model, environment) REFERENCES slots (model, environment),
  UNIQUE (model, environment, epoch)
);

-- What became of a command that a workflow carried out (rollback, unblock, withdraw, apply …):
-- written by the activity that did it, in its transaction; control reads the answer here.
CREATE TABLE command_results (
  command_id text PRIMARY KEY,
  kind       text NOT NULL,
  ok         boolean NOT NULL,
  code       text,
  result     jsonb NOT NULL,
  at         timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE predictions (
  id          text PRIMARY KEY,
  model       text NOT NULL,
  environment text NOT NULL,
  version_id  text NOT NULL,
  epoch       bigint NOT NULL,
  at          timestamptz NOT NULL DEFAULT now(),
  request     jsonb NOT NULL,
  -- What the caller gave as `key`: one request's rows share it.
  key         text,
  probability double precision NOT NULL,
  label       text NOT NULL
);
CREATE INDEX predictions_window ON predictions (model, environment, at);

CREATE TABLE enrolments (
  model       text NOT NULL,
  environment text NOT NULL,
  version_id  text NOT NULL REFERENCES versions (id),
  profile     text NOT NULL,
  enrolled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (model, environment)
);

CREATE TABLE monitor_windows (
  model       text NOT NULL,
  environment text NOT NULL,
  version_id  text NOT NULL REFERENCES versions (id),
  from_at     timestamptz NOT NULL,
  to_at       timestamptz NOT NULL,
  rows        integer NOT NULL,
  verdict     text NOT NULL CHECK (verdict IN ('too-few', 'steady', 'drift')),
  body        jsonb NOT NULL,
  at          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (model, environment, version_id, to_at)
);

-- The audit chain. `body` is the canonical JSON that was hashed, byte for byte.
CREATE TABLE audit (
  seq     bigint PRIMARY KEY,
  at      timestamptz NOT NULL,
  kind    text NOT NULL,
  actor   text NOT NULL,
  model   text,
  subject text NOT NULL,
  body    text NOT NULL,
  prev    text NOT NULL,
  hash    text NOT NULL UNIQUE
);
CREATE INDEX audit_model ON audit (model, seq);
CREATE INDEX audit_subject ON audit (subject, seq);

CREATE TABLE audit_head (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  seq  bigint NOT NULL,
  hash text NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, 'sha256:0000000000000000000000000000000000000000000000000000000000000000');

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit EXECUTE FUNCTION refuse_change();
CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER definitions_append_only BEFORE UPDATE OR DELETE ON definitions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policies_append_only BEFORE UPDATE OR DELETE ON policies FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER deployments_append_only BEFORE UPDATE OR DELETE ON deployments FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER command_results_append_only BEFORE UPDATE OR DELETE ON command_results FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- TRUNCATE passes by the triggers of rows.
CREATE TRIGGER decisions_no_truncate BEFORE TRUNCATE ON decisions EXECUTE FUNCTION refuse_change();
CREATE TRIGGER definitions_no_truncate BEFORE TRUNCATE ON definitions EXECUTE FUNCTION refuse_change();
CREATE TRIGGER policies_no_truncate BEFORE TRUNCATE ON policies EXECUTE FUNCTION refuse_change();
CREATE TRIGGER deployments_no_truncate BEFORE TRUNCATE ON deployments EXECUTE FUNCTION refuse_change();
CREATE TRIGGER command_results_no_truncate BEFORE TRUNCATE ON command_results EXECUTE FUNCTION refuse_change();
CREATE TRIGGER gates_no_truncate BEFORE TRUNCATE ON gates EXECUTE FUNCTION refuse_change();
CREATE TRIGGER versions_no_truncate BEFORE TRUNCATE ON versions EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approvals_no_truncate BEFORE TRUNCATE ON approvals EXECUTE FUNCTION refuse_change();

-- An approval may be revoked, once and for ever.
CREATE FUNCTION keep_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.revoked_at IS NOT NULL
     OR to_jsonb(NEW) - 'revoked_at' IS DISTINCT FROM to_jsonb(OLD) - 'revoked_at' THEN
    RAISE EXCEPTION 'approval % can only be revoked', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approvals_final BEFORE UPDATE OR DELETE ON approvals FOR EACH ROW EXECUTE FUNCTION keep_approval();

-- A frozen request stays as it is; a closed gate keeps its resolution, whatever is reset.
CREATE FUNCTION keep_gate_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'gates are never deleted' USING ERRCODE = 'restrict_violation'; END IF;
  IF OLD.state = 'closed' AND (NEW.state, NEW.resolution) IS DISTINCT FROM (OLD.state, OLD.resolution) THEN
    RAISE EXCEPTION 'gate % is closed as %', OLD.id, OLD.resolution USING ERRCODE = 'restrict_violation';
  END IF;
  IF (NEW.request, NEW.request_digest, NEW.subject_id, NEW.subject_digest)
     IS DISTINCT FROM (OLD.request, OLD.request_digest, OLD.subject_id, OLD.subject_digest) THEN
    RAISE EXCEPTION 'the request of gate % is frozen', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER gates_final BEFORE UPDATE OR DELETE ON gates FOR EACH ROW EXECUTE FUNCTION keep_gate_final();

-- A version's bytes never change; only its evaluation may be filled in, once.
CREATE FUNCTION keep_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (NEW.id, NEW.digest, NEW.manifest, NEW.model) IS DISTINCT FROM (OLD.id, OLD.digest, OLD.manifest, OLD.model) THEN
    RAISE EXCEPTION 'version % is immutable', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER versions_immutable BEFORE UPDATE OR DELETE ON versions FOR EACH ROW EXECUTE FUNCTION keep_version();

-- The epoch only grows, and every move of a champion raises it.
CREATE FUNCTION fence_slot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.champion_version IS DISTINCT FROM OLD.champion_version AND NEW.epoch <> OLD.epoch + 1 THEN
    RAISE EXCEPTION 'slot %/% moved without raising its epoch', OLD.model, OLD.environment USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.epoch < OLD.epoch THEN
    RAISE EXCEPTION 'the epoch of slot %/% only grows', OLD.model, OLD.environment USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER slots_fenced BEFORE UPDATE ON slots FOR EACH ROW EXECUTE FUNCTION fence_slot();

-- Serving and the event stream listen to these.
CREATE FUNCTION tell_slot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('countersign_slot', NEW.model || '/' || NEW.environment); RETURN NEW; END $$;
CREATE TRIGGER slots_told AFTER INSERT OR UPDATE ON slots FOR EACH ROW EXECUTE FUNCTION tell_slot();

CREATE FUNCTION tell_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('countersign_audit', NEW.seq::text); RETURN NEW; END $$;
CREATE TRIGGER audit_told AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION tell_audit();
