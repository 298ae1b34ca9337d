-- Who may see a gate and who may decide on it, as columns beside the frozen request. Lists, single reads
-- and the closing transaction ask these, by db/rights.ts; triggers write them, whatever code inserts.
-- Memberships and delegations are rows with their own times and are joined when a right is asked for.

-- The texts of a list; none where it is absent or null.
CREATE FUNCTION texts_in(list jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY(SELECT jsonb_array_elements_text(CASE WHEN jsonb_typeof(list) = 'array' THEN list END))
$$;

-- Groups that the steps of an escalation add, up to this one.
CREATE FUNCTION escalation_groups_at(terms jsonb, level integer) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY(SELECT DISTINCT unnest(texts_in(step.body -> 'groups'))
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(terms -> 'escalation') = 'array' THEN terms -> 'escalation' END)
      WITH ORDINALITY AS step (body, number)
    WHERE step.number <= level ORDER BY 1)
$$;

CREATE FUNCTION decider_groups_at(terms jsonb, level integer) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY(SELECT unnest(texts_in(terms -> 'deciders' -> 'groups'))
    UNION SELECT unnest(texts_in(terms -> 'deciders' -> 'oneFromEach'))
    UNION SELECT unnest(escalation_groups_at(terms, level)) ORDER BY 1)
$$;

ALTER TABLE gates
  -- The request without its evidence, which is large and read only where it is shown.
  ADD COLUMN terms jsonb,
  -- The evidence's own recommendation, for lists.
  ADD COLUMN recommendation jsonb,
  -- The last moment at which decisions are taken; null: as long as it is open.
  ADD COLUMN decisions_until timestamptz,
  -- Groups that decide now: those of the rule and those that escalation added.
  ADD COLUMN decider_groups text[],
  -- All groups that escalation adds, sooner or later.
  ADD COLUMN escalation_groups text[],
  ADD COLUMN decider_people text[],
  ADD COLUMN barred_groups text[],
  ADD COLUMN barred_people text[],
  -- Who contributed before the request was frozen; who did since is in `contributors`.
  ADD COLUMN excluded_people text[],
  ADD COLUMN machines_decide boolean,
  -- May escalate, and so reads the gate.
  ADD COLUMN owner_team text;

-- Groups and people whom a frozen request about a model named: they read the model, whatever becomes of its tier.
CREATE TABLE model_readers (
  model    text NOT NULL REFERENCES models (name),
  reader   text NOT NULL,
  is_group boolean NOT NULL,
  PRIMARY KEY (reader, is_group, model)
);

-- A frozen request stays as it is, and so does what follows from it; a closed gate keeps its resolution,
-- whatever is reset. Two triggers, so that moving a gate does not read its evidence to compare it.
CREATE OR REPLACE FUNCTION keep_gate_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'gates are never deleted' USING ERRCODE = 'restrict_violation'; END IF;
  IF OLD.state = 'closed' AND (NEW.state, NEW.resolution) IS DISTINCT FROM (OLD.state, OLD.resolution) THEN
    RAISE EXCEPTION 'gate % is closed as %', OLD.id, OLD.resolution USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION keep_request_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.request, NEW.request_digest, NEW.subject_id, NEW.subject_digest, NEW.model, NEW.terms, NEW.recommendation,
      NEW.decisions_until, NEW.escalation_groups, NEW.decider_people, NEW.barred_groups, NEW.barred_people,
      NEW.excluded_people, NEW.machines_decide, NEW.owner_team)
     IS DISTINCT FROM (OLD.request, OLD.request_digest, OLD.subject_id, OLD.subject_digest, OLD.model, OLD.terms, OLD.recommendation,
      OLD.decisions_until, OLD.escalation_groups, OLD.decider_people, OLD.barred_groups, OLD.barred_people,
      OLD.excluded_people, OLD.machines_decide, OLD.owner_team) THEN
    RAISE EXCEPTION 'the request of gate % is frozen', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION write_gate_rights() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  deciders jsonb;
BEGIN
  NEW.terms := NEW.request - 'evidence';
  NEW.recommendation := NEW.request -> 'evidence' -> 'recommendation';
  deciders := NEW.terms -> 'deciders';
  NEW.decisions_until :=
    CASE WHEN NEW.terms ->> 'onDeadline' = 'hold' THEN NEW.terms ->> 'expiresAt' ELSE NEW.terms ->> 'deadline' END::timestamptz;
  NEW.decider_groups := decider_groups_at(NEW.terms, NEW.escalation_level);
  NEW.escalation_groups := escalation_groups_at(NEW.terms, 2147483647);
  NEW.decider_people := texts_in(deciders -> 'people');
  NEW.barred_groups := texts_in(deciders -> 'barred' -> 'groups');
  NEW.barred_people := texts_in(deciders -> 'barred' -> 'people');
  NEW.excluded_people := ARRAY(SELECT one ->> 'principal' FROM jsonb_array_elements(NEW.terms -> 'excluded') AS one);
  NEW.machines_decide := coalesce((deciders ->> 'machines')::boolean, false);
  NEW.owner_team := NEW.terms ->> 'ownerTeam';
  RETURN NEW;
END $$;

CREATE FUNCTION write_escalated_rights() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.decider_groups := decider_groups_at(NEW.terms, NEW.escalation_level);
  RETURN NEW;
END $$;

-- In one order, so that two requests about one model do not wait for each other in a circle.
CREATE FUNCTION write_model_readers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.model IS NOT NULL THEN
    INSERT INTO model_readers (model, reader, is_group)
      SELECT NEW.model, named.reader, named.is_group
      FROM (SELECT unnest(NEW.decider_groups) AS reader, true AS is_group UNION SELECT unnest(NEW.decider_people), false) AS named
      WHERE NOT EXISTS (SELECT FROM model_readers r
        WHERE r.reader = named.reader AND r.is_group = named.is_group AND r.model = NEW.model)
      ORDER BY 2, 3
      ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;

-- What is there already gets the same, before the triggers would refuse it.
DROP TRIGGER gates_final ON gates;
CREATE TRIGGER gates_backfill BEFORE UPDATE ON gates FOR EACH ROW EXECUTE FUNCTION write_gate_rights();
UPDATE gates SET escalation_level = escalation_level;
DROP TRIGGER gates_backfill ON gates;
INSERT INTO model_readers (model, reader, is_group)
  SELECT model, unnest(decider_groups), true FROM gates WHERE model IS NOT NULL
  UNION SELECT model, unnest(decider_people), false FROM gates WHERE model IS NOT NULL;

ALTER TABLE gates
  ALTER COLUMN terms SET NOT NULL,
  ALTER COLUMN recommendation SET NOT NULL,
  ALTER COLUMN decider_groups SET NOT NULL,
  ALTER COLUMN escalation_groups SET NOT NULL,
  ALTER COLUMN decider_people SET NOT NULL,
  ALTER COLUMN barred_groups SET NOT NULL,
  ALTER COLUMN barred_people SET NOT NULL,
  ALTER COLUMN excluded_people SET NOT NULL,
  ALTER COLUMN machines_decide SET NOT NULL;

CREATE TRIGGER gates_final BEFORE UPDATE OF state, resolution OR DELETE ON gates FOR EACH ROW EXECUTE FUNCTION keep_gate_final();
CREATE TRIGGER gates_frozen BEFORE UPDATE OF request, request_digest, subject_id, subject_digest, model, terms, recommendation,
  decisions_until, decider_groups, escalation_groups, decider_people, barred_groups, barred_people, excluded_people,
  machines_decide, owner_team ON gates FOR EACH ROW EXECUTE FUNCTION keep_request_frozen();
CREATE TRIGGER gates_rights BEFORE INSERT ON gates FOR EACH ROW EXECUTE FUNCTION write_gate_rights();
CREATE TRIGGER gates_escalated BEFORE UPDATE OF escalation_level, decider_groups ON gates
  FOR EACH ROW EXECUTE FUNCTION write_escalated_rights();
CREATE TRIGGER gates_readers AFTER INSERT OR UPDATE OF escalation_level ON gates
  FOR EACH ROW EXECUTE FUNCTION write_model_readers();

CREATE INDEX gates_waiting ON gates (created_at DESC, id DESC) WHERE state <> 'closed';
CREATE INDEX gates_waiting_groups ON gates USING gin (decider_groups) WHERE state <> 'closed';
CREATE INDEX gates_waiting_people ON gates USING gin (decider_people) WHERE state <> 'closed';
