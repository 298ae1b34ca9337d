-- How each job of the watch fared when it looked last: health says which of them did not succeed, or not for a long time.
CREATE TABLE watch_jobs (
  job           text PRIMARY KEY,
  looked_at     timestamptz NOT NULL,
  succeeded_at  timestamptz,
  -- Null when the last look succeeded.
  fault         text,
  -- Of the row `schedule` only: how often the watch is meant to look.
  every_seconds integer CHECK (every_seconds > 0)
);
