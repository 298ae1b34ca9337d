-- A gate of the policy that its own condition did not call for, with the facts that decided it.
CREATE TABLE gates_not_needed (
  release_id     text NOT NULL REFERENCES releases (id),
  name           text NOT NULL,
  why            text NOT NULL,
  facts          jsonb NOT NULL,
  policy_id      text NOT NULL,
  policy_version integer NOT NULL,
  at             timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (release_id, name),
  FOREIGN KEY (policy_id, policy_version) REFERENCES policies (id, version)
);
CREATE TRIGGER gates_not_needed_append_only BEFORE UPDATE OR DELETE ON gates_not_needed FOR EACH ROW EXECUTE FUNCTION refuse_change();
