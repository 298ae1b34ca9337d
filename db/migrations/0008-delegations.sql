-- One person decides for another for a while. A delegation conveys the giver's own membership at the
-- moment of each decision and never another delegation.

CREATE TABLE delegations (
  id             text PRIMARY KEY,
  from_principal text NOT NULL REFERENCES principals (id),
  to_principal   text NOT NULL REFERENCES principals (id),
  -- Null: all models.
  model          text REFERENCES models (name),
  reason         text NOT NULL,
  since          timestamptz NOT NULL DEFAULT now(),
  until          timestamptz NOT NULL,
  revoked_at     timestamptz,
  created_by     text NOT NULL REFERENCES principals (id),
  CHECK (from_principal <> to_principal),
  -- Given by oneself alone, whatever code asks.
  CHECK (created_by = from_principal),
  CHECK (until > since AND until <= since + interval '60 days 1 hour')
);
CREATE INDEX delegations_to ON delegations (to_principal) WHERE revoked_at IS NULL;
CREATE INDEX delegations_from ON delegations (from_principal, since);

-- What was given stays on record as it was given; it can only be revoked, once.
CREATE FUNCTION keep_delegation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.revoked_at IS NOT NULL
     OR to_jsonb(NEW) - 'revoked_at' IS DISTINCT FROM to_jsonb(OLD) - 'revoked_at' THEN
    RAISE EXCEPTION 'delegation % can only be revoked', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER delegations_final BEFORE UPDATE OR DELETE ON delegations FOR EACH ROW EXECUTE FUNCTION keep_delegation();
CREATE TRIGGER delegations_no_truncate BEFORE TRUNCATE ON delegations EXECUTE FUNCTION refuse_change();
