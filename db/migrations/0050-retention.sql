-- What ages is removed (docs/operations.md says what and when); a hold keeps it all the same.

-- Each row places a hold on a model or lifts it; the newest holds. On record for good, like decisions.
CREATE TABLE legal_holds (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  model  text NOT NULL REFERENCES models (name),
  held   boolean NOT NULL,
  why    text NOT NULL,
  by     text NOT NULL,
  at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX legal_holds_model ON legal_holds (model, number DESC);
CREATE TRIGGER legal_holds_append_only BEFORE UPDATE OR DELETE ON legal_holds FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER legal_holds_no_truncate BEFORE TRUNCATE ON legal_holds EXECUTE FUNCTION refuse_change();

CREATE FUNCTION is_held(name text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT held FROM legal_holds WHERE model = name ORDER BY number DESC LIMIT 1), false)
$$;

-- The least time that a prediction is kept, whatever a setting or a process says.
CREATE FUNCTION keep_prediction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.at > now() - interval '30 days' OR is_held(OLD.model) THEN
    RAISE EXCEPTION 'prediction % is kept: it is younger than 30 days, or its model is on hold', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER predictions_kept BEFORE DELETE ON predictions FOR EACH ROW EXECUTE FUNCTION keep_prediction();

-- How much was removed on a day (UTC), and when the audit chain was told.
CREATE TABLE retention_days (
  day          date PRIMARY KEY,
  removed      jsonb NOT NULL,
  collected_at timestamptz,
  told_at      timestamptz
);

-- Artifacts that nothing named when the store was looked through, and since when.
CREATE TABLE unreachable_artifacts (
  digest text PRIMARY KEY,
  since  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX attempts_at ON attempts (at);
CREATE INDEX deliveries_created ON deliveries (created_at);
CREATE INDEX deliveries_parent ON deliveries (parent) WHERE parent IS NOT NULL;
