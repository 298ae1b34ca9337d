-- What ingest read of each place the last time, so that a file that did not change is not read again.
-- No record of what happened (the dataset's manifest is): a row may be lost or overwritten without harm.
CREATE TABLE source_files (
  place text PRIMARY KEY,
  fingerprint text NOT NULL,
  digest text NOT NULL CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
  bytes bigint NOT NULL CHECK (bytes >= 0),
  content jsonb NOT NULL,
  read_at timestamptz NOT NULL DEFAULT now()
);
