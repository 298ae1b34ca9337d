-- A promotion by break-glass is an approval too: its proof is the signed command that is kept with it.

ALTER TABLE approvals
  ADD COLUMN command jsonb,
  DROP CONSTRAINT approvals_kind_check,
  ADD CONSTRAINT approvals_kind_check CHECK (kind IN ('gate', 'policy', 'break-glass')),
  ADD CONSTRAINT approvals_command_check CHECK ((kind = 'break-glass') = (command IS NOT NULL)),
  -- One that was revoked does not stand in the way of another; one that was broken through not in that of a gate's.
  DROP CONSTRAINT approvals_version_id_environment_key;
CREATE UNIQUE INDEX approvals_one_standing ON approvals (version_id, environment, (kind = 'break-glass')) WHERE revoked_at IS NULL;

-- An approval may be revoked, once and for ever; that is when it gets its reason.
CREATE OR REPLACE FUNCTION keep_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.revoked_at IS NOT NULL OR (NEW.revoked_at IS NULL AND NEW.revoked_why IS NOT NULL)
     OR to_jsonb(NEW) - 'revoked_at' - 'revoked_why' IS DISTINCT FROM to_jsonb(OLD) - 'revoked_at' - 'revoked_why' THEN
    RAISE EXCEPTION 'approval % can only be revoked', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
