-- A version's training, run a second time because somebody asked for it: did it give the same bytes?
CREATE TABLE reproductions (
  -- Of the command.
  id           text PRIMARY KEY,
  version_id   text NOT NULL REFERENCES versions (id),
  requested_by text NOT NULL REFERENCES principals (id),
  at           timestamptz NOT NULL DEFAULT now(),
  -- Its workflow runs no longer than that.
  until        timestamptz NOT NULL,
  ended_at     timestamptz,
  -- Null while it runs, and where it failed.
  same         boolean,
  digest       text,
  differs      jsonb,
  effects      jsonb,
  -- Why it could not be trained again.
  fault_code   text,
  fault        text,
  CHECK ((ended_at IS NOT NULL) = (same IS NOT NULL OR fault IS NOT NULL)),
  CHECK (same IS NULL OR fault IS NULL),
  CHECK ((same IS NOT NULL) = (digest IS NOT NULL AND differs IS NOT NULL AND effects IS NOT NULL)),
  CHECK ((fault IS NULL) = (fault_code IS NULL))
);
CREATE INDEX reproductions_of_version ON reproductions (version_id, at);
-- A second request while one runs is answered by that one.
CREATE UNIQUE INDEX reproductions_one_open ON reproductions (version_id) WHERE ended_at IS NULL;

CREATE FUNCTION keep_reproduction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL OR NEW.id <> OLD.id OR NEW.version_id <> OLD.version_id THEN
    RAISE EXCEPTION 'reproduction % is final', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER reproductions_final BEFORE UPDATE OR DELETE ON reproductions FOR EACH ROW EXECUTE FUNCTION keep_reproduction();
