-- The signed commands that put a definition or a policy in force without a gate. An approval in which nobody decided is
-- verified against them: what only the other columns say, anyone with the database can write.
CREATE TABLE subject_commands (
  command_id text PRIMARY KEY,
  -- Of the definition or the policy.
  digest     text NOT NULL,
  command    jsonb NOT NULL,
  kept_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX subject_commands_digest ON subject_commands (digest);
CREATE TRIGGER subject_commands_append_only BEFORE UPDATE OR DELETE ON subject_commands FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER subject_commands_no_truncate BEFORE TRUNCATE ON subject_commands EXECUTE FUNCTION refuse_change();

-- Of what was put in force lately the command is still there; its signature is verified when it is needed.
INSERT INTO subject_commands (command_id, digest, command, kept_at)
SELECT id, coalesce(signed -> 'body' ->> 'definition', signed -> 'body' ->> 'digest'), signed, created_at
FROM commands
WHERE state = 'done' AND response_status < 400 AND signed -> 'body' ->> 'kind' IN ('apply-definition', 'propose-policy');
