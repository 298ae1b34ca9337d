-- What lists are ordered by and filtered by, so that a page costs its own rows and not the table's.
-- The plan of each main read is tested in test/db/plans.test.ts.
CREATE INDEX gates_all_newest ON gates (created_at DESC, id DESC);
CREATE INDEX gates_release ON gates (release_id, name);
-- Of gates about no model, which only those read who are named there.
CREATE INDEX gates_modelless_groups ON gates USING gin (decider_groups) WHERE model IS NULL;
CREATE INDEX gates_modelless_people ON gates USING gin (decider_people) WHERE model IS NULL;
CREATE INDEX gates_owner_newest ON gates (owner_team, created_at DESC, id DESC);
-- Since a delegation began.
CREATE INDEX gates_closed ON gates (closed_at) WHERE state = 'closed';

CREATE INDEX releases_newest ON releases (created_at DESC, id DESC);
CREATE INDEX releases_model_newest ON releases (model, created_at DESC, id DESC);
CREATE INDEX releases_under_way ON releases (created_at DESC, id DESC) WHERE state <> 'ended';
CREATE INDEX versions_newest ON versions (created_at DESC, id DESC);
CREATE INDEX versions_model_newest ON versions (model, created_at DESC, id DESC);
CREATE INDEX deployments_version ON deployments (version_id);

CREATE INDEX audit_actor ON audit (actor, seq);
CREATE INDEX audit_kind ON audit (kind, seq);
CREATE INDEX audit_at ON audit (at, seq);

CREATE INDEX deliveries_state ON deliveries (state);
