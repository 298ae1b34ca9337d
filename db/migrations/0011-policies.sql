-- Which policy governs a model: one row for each tier, maturity and team that a policy names ('' for
-- all others), written anew in the transaction that publishes. The rule is domain/policy-choice.ts.
CREATE TABLE policies_in_force (
  tier           text NOT NULL,
  maturity       text NOT NULL,
  team           text NOT NULL,
  policy_id      text NOT NULL,
  policy_version integer NOT NULL,
  -- All who decide at any of its gates, for reading rights; `$owner` left out, who read as owners.
  decider_groups text[] NOT NULL,
  decider_people text[] NOT NULL,
  PRIMARY KEY (tier, maturity, team),
  FOREIGN KEY (policy_id, policy_version) REFERENCES policies (id, version)
);

-- What waits behind a gate about a policy, and is published when it is approved.
CREATE TABLE policy_proposals (
  gate_id     text PRIMARY KEY REFERENCES gates (id),
  policy_id   text NOT NULL,
  version     integer NOT NULL,
  digest      text NOT NULL,
  body        jsonb NOT NULL,
  command_id  text NOT NULL,
  proposed_by text NOT NULL,
  proposed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX policy_proposals_policy ON policy_proposals (policy_id);

-- The definition that waits behind a gate, and is in force when it is approved.
CREATE TABLE definition_changes (
  gate_id           text PRIMARY KEY REFERENCES gates (id),
  model             text NOT NULL REFERENCES models (name),
  definition_digest text NOT NULL,
  previous_digest   text NOT NULL,
  changes           jsonb NOT NULL,
  command_id        text NOT NULL,
  proposed_by       text NOT NULL,
  proposed_at       timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (model, definition_digest) REFERENCES definitions (model, digest)
);
CREATE INDEX definition_changes_model ON definition_changes (model);

CREATE TRIGGER policy_proposals_append_only BEFORE UPDATE OR DELETE ON policy_proposals FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER definition_changes_append_only BEFORE UPDATE OR DELETE ON definition_changes FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- One request at a time about the same policy, definition or retirement.
CREATE UNIQUE INDEX gates_one_open_policy ON gates (subject_id) WHERE state <> 'closed' AND subject_kind = 'policy';
CREATE UNIQUE INDEX gates_one_open_model ON gates (model, subject_kind) WHERE state <> 'closed' AND subject_kind IN ('definition', 'retirement');
