-- Who is who in Slack, and what is told to whom by which way.

-- A person of Slack is a principal by these two ids and nothing else; names on display decide nothing.
CREATE TABLE slack_users (
  team_id      text NOT NULL,
  user_id      text NOT NULL,
  principal_id text NOT NULL REFERENCES principals (id),
  how          text NOT NULL CHECK (how IN ('link', 'directory', 'seed')),
  linked_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, user_id)
);
CREATE INDEX slack_users_principal ON slack_users (principal_id);

-- One-time links: opened in the console by somebody who is signed in there. Only the SHA-256 is kept.
CREATE TABLE slack_links (
  hash       text PRIMARY KEY,
  team_id    text NOT NULL,
  user_id    text NOT NULL,
  user_name  text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at    timestamptz,
  used_by    text REFERENCES principals (id)
);

-- Signatures of requests that were taken: none is taken twice, by whichever process, also after a restart.
CREATE TABLE slack_requests (
  signature text PRIMARY KEY,
  at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX slack_requests_at ON slack_requests (at);

-- Workspaces besides the one that the environment names. The token is sealed (AES-256-GCM).
CREATE TABLE slack_workspaces (
  team_id     text PRIMARY KEY,
  name        text NOT NULL,
  bot_token   text NOT NULL,
  bot_id      text NOT NULL,
  bot_user_id text NOT NULL,
  added_by    text NOT NULL,
  added_at    timestamptz NOT NULL DEFAULT now()
);

-- Where an owner team is told. The webhook's secret is sealed.
CREATE TABLE notify_settings (
  team           text PRIMARY KEY REFERENCES groups (id),
  slack_team     text,
  slack_channel  text,
  emails         text[] NOT NULL DEFAULT '{}',
  webhook_url    text,
  webhook_secret text,
  changed_by     text NOT NULL,
  changed_at     timestamptz NOT NULL DEFAULT now(),
  CHECK ((webhook_url IS NULL) = (webhook_secret IS NULL))
);

-- What a person wants, and the address that an admin vouches for.
CREATE TABLE notify_people (
  principal_id text PRIMARY KEY REFERENCES principals (id),
  email        text,
  direct       boolean NOT NULL DEFAULT false,
  changed_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX notify_people_email ON notify_people (lower(email));

-- The outbox. A row is one message at one place. `wanted` is the newest record that changed what it
-- should say, `delivered` the one it says now: it is due while they differ.
CREATE TABLE deliveries (
  id           text PRIMARY KEY,
  number       bigint GENERATED ALWAYS AS IDENTITY,
  notice       text NOT NULL,
  subject      text NOT NULL,
  model        text,
  -- The record of the audit chain that brought it about.
  event        bigint NOT NULL,
  way          text NOT NULL CHECK (way IN ('slack', 'email', 'webhook')),
  destination  text NOT NULL,
  -- A reply in the thread of that message.
  parent       text REFERENCES deliveries (id),
  wanted       bigint NOT NULL,
  delivered    bigint NOT NULL DEFAULT 0,
  state        text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'done', 'failed')),
  -- Where it is: Slack's channel and timestamp, or the id under which the mail went out.
  channel      text,
  ts           text,
  digest       text,
  -- Set before it is sent for the first time, taken back where it surely did not arrive.
  tried_at     timestamptz,
  attempts     integer NOT NULL DEFAULT 0,
  due_at       timestamptz NOT NULL DEFAULT now(),
  failure      text,
  cure         text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  delivered_at timestamptz
);
CREATE INDEX deliveries_due ON deliveries (due_at, number) WHERE state = 'due';
CREATE INDEX deliveries_subject ON deliveries (subject, notice);
CREATE INDEX deliveries_failed ON deliveries (number) WHERE failure IS NOT NULL;

-- Up to which record of the chain messages were planned; what happened before there were messages is not told.
CREATE TABLE courier_cursor (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  seq    bigint NOT NULL
);
INSERT INTO courier_cursor (seq) SELECT seq FROM audit_head;

-- How each way stands, as its last use showed: for health/ready and the console.
CREATE TABLE message_ways (
  -- `slack-requests`: what Slack sends to us, which has a secret of its own.
  way    text PRIMARY KEY CHECK (way IN ('slack', 'slack-requests', 'email', 'webhook')),
  code   text NOT NULL,
  detail text NOT NULL,
  cure   text NOT NULL,
  at     timestamptz NOT NULL DEFAULT now()
);
