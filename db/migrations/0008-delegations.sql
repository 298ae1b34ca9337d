-- Somebody decides in another's place for a time. It conveys the giver's own memberships only and is
-- never passed on. Written by control.
CREATE TABLE delegations (
  id             text PRIMARY KEY,
  from_principal text NOT NULL REFERENCES principals (id),
  to_principal   text NOT NULL REFERENCES principals (id),
  -- For this model only; null: for all.
  model          text,
  reason         text NOT NULL,
  since          timestamptz NOT NULL DEFAULT now(),
  until          timestamptz NOT NULL,
  revoked_at     timestamptz,
  created_by     text NOT NULL REFERENCES principals (id),
  CHECK (from_principal <> to_principal),
  CHECK (until > since)
);
CREATE INDEX delegations_to ON delegations (to_principal) WHERE revoked_at IS NULL;
CREATE INDEX delegations_from ON delegations (from_principal) WHERE revoked_at IS NULL;
