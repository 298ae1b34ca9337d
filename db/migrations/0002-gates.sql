-- What a gate needs beyond one vote that closes it: votes that wait for others, what fell due while
-- it waited, findings that an approval hangs on, and what its reviewers were shown.

ALTER TABLE gates
  ADD COLUMN escalation_level integer NOT NULL DEFAULT 0 CHECK (escalation_level >= 0),
  ADD COLUMN reminders integer NOT NULL DEFAULT 0 CHECK (reminders >= 0),
  ADD COLUMN overdue_since timestamptz,
  -- Why the request is out of date; it is asked anew and takes no decision.
  ADD COLUMN stale text,
  -- Why nobody can complete the quorum; told to the policy's owner.
  ADD COLUMN undecidable text,
  -- What the resolution carries: who, when, inputs, conditions.
  ADD COLUMN outcome jsonb;

-- Decisions that were verified and wait for the quorum. `decisions` gets its row when the gate closes,
-- when the vote is withdrawn, or when it no longer counts.
CREATE TABLE votes (
  command_id   text PRIMARY KEY,
  gate_id      text NOT NULL REFERENCES gates (id),
  principal_id text NOT NULL,
  on_behalf_of text,
  decision     text NOT NULL CHECK (decision IN ('approve', 'reject', 'request-changes')),
  -- Groups by which it counts.
  groups       text[] NOT NULL,
  command      jsonb NOT NULL,
  cast_at      timestamptz NOT NULL,
  recorded_at  timestamptz NOT NULL DEFAULT now(),
  -- Set when it was withdrawn or stopped counting; the decision's row says why.
  ended_at     timestamptz
);
-- One person counts once, and so does the one for whom she votes.
CREATE UNIQUE INDEX votes_person ON votes (gate_id, principal_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX votes_voice ON votes (gate_id, coalesce(on_behalf_of, principal_id)) WHERE ended_at IS NULL;

ALTER TABLE decisions
  ADD COLUMN on_behalf_of text,
  -- Groups by which it counted.
  ADD COLUMN counted_as text[] NOT NULL DEFAULT '{}';

ALTER TABLE approvals
  ADD COLUMN inputs jsonb NOT NULL DEFAULT '{}',
  -- The approval stands beyond this moment only if the findings are closed by then.
  ADD COLUMN conditions jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN revoked_why text;

-- Something that somebody must answer. `key` keeps one cause from opening two at a time.
CREATE TABLE findings (
  id         text PRIMARY KEY,
  model      text NOT NULL REFERENCES models (name),
  kind       text NOT NULL,
  title      text NOT NULL,
  key        text,
  gate_id    text REFERENCES gates (id),
  version_id text REFERENCES versions (id),
  opened_by  text NOT NULL,
  opened_at  timestamptz NOT NULL DEFAULT now(),
  closed_by  text,
  closed_at  timestamptz,
  closing    text,
  CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
  CHECK ((closed_at IS NULL) = (closing IS NULL))
);
CREATE INDEX findings_open ON findings (model) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX findings_cause ON findings (key) WHERE closed_at IS NULL;

-- What was shown of a request, by the digest that a decision names as `seen`. The bytes are an artifact.
CREATE TABLE renderings (
  gate_id    text NOT NULL REFERENCES gates (id),
  digest     text NOT NULL,
  media_type text NOT NULL,
  surface    text NOT NULL,
  first_for  text NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (gate_id, digest)
);
CREATE TRIGGER renderings_append_only BEFORE UPDATE OR DELETE ON renderings FOR EACH ROW EXECUTE FUNCTION refuse_change();
