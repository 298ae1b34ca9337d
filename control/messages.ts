import { countDeliveries, readTroubled, type DeliveryRow } from "../db/deliveries.ts";
import { readWays } from "../db/message-ways.ts";
import {
  emailTaken,
  groupExists,
  principalExists,
  readAllSettings,
  readPersonSettings,
  readSettings,
  writePersonSettings,
  writeSettings,
  type SettingsRow,
} from "../db/notify-settings.ts";
import { readLinksOf } from "../db/slack-people.ts";
import { CountersignError } from "../domain/errors.ts";
import {
  emailRequestSchema,
  ownMessagesRequestSchema,
  teamMessagesRequestSchema,
  type MessagesView,
  type OwnMessagesView,
  type TeamMessagesRequest,
  type TeamMessagesView,
} from "../domain/http/message-views.ts";
import type { Principal } from "../domain/principal.ts";
import type { Answer, Outcome } from "./answer.ts";
import type { Caller, Sent } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { notFound, requireScope } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";
import type { SecretBox } from "./secret-box.ts";

/** Where messages go: set by operators and admins for teams, by each for herself; addresses by admins. */
export interface MessagesControl {
  /** Operators and admins see all; others the settings of their groups, and no troubles. */
  messages(caller: Caller): Promise<MessagesView>;
  setTeam(caller: Caller, team: string, sent: Sent): Promise<Answer<TeamMessagesView>>;
  own(caller: Caller): Promise<OwnMessagesView>;
  setOwn(caller: Caller, sent: Sent): Promise<Answer<OwnMessagesView>>;
  /** An address that an admin vouches for; with the directory switched on, its owner in Slack is this principal. */
  setEmail(caller: Caller, principal: string, sent: Sent): Promise<Answer<OwnMessagesView>>;
}

const troubledShown = 50;

export function createMessagesControl(context: ControlContext, box: SecretBox): MessagesControl {
  const { db } = context;

  async function ownOf(principal: string): Promise<OwnMessagesView> {
    const [settings, slack] = await Promise.all([readPersonSettings(db, principal), readLinksOf(db, principal)]);
    return { principal, ...settings, slack };
  }

  return {
    async messages(caller) {
      requireScope(caller, "read");
      const all = runsPlatform(caller.principal);
      const [rows, ways, counts, troubled] = await Promise.all([
        readAllSettings(db),
        readWays(db),
        countDeliveries(db),
        all ? readTroubled(db, troubledShown) : [],
      ]);
      return {
        teams: rows.filter((row) => all || caller.principal.groups.includes(row.team)).map(teamOf),
        ways: ways.map(({ way, code, detail, cure, at }) => ({ way, code, detail, cure, at: at.toISOString() })),
        counts,
        troubled: troubled.map(troubledOf),
      };
    },
    async setTeam(caller, team, sent) {
      requireScope(caller, "operate");
      refuseUnless(runsPlatform(caller.principal), "Where a team is told is set by operators and admins.");
      if (!(await groupExists(db, team))) throw notFound("group", team);
      const body = checkBody(teamMessagesRequestSchema, sent.body);
      const route = `PUT /api/messages/teams/${team}`;
      return runOnce<TeamMessagesView>(context, { caller, route, key: sent.key, body }, () =>
        writeTeam(context, box, { team, body, by: caller.principal.id }),
      );
    },
    async own(caller) {
      requireScope(caller, "read");
      return ownOf(caller.principal.id);
    },
    async setOwn(caller, sent) {
      requireScope(caller, "operate");
      const body = checkBody(ownMessagesRequestSchema, sent.body);
      const principal = caller.principal.id;
      return runOnce<OwnMessagesView>(context, { caller, route: "PUT /api/messages/me", key: sent.key, body }, async () => {
        await writePersonSettings(db, { principal, by: principal, direct: body.direct });
        return { kind: "done", status: 200, value: await ownOf(principal) };
      });
    },
    async setEmail(caller, principal, sent) {
      requireScope(caller, "operate");
      refuseUnless(caller.principal.roles.includes("admin"), "Addresses are vouched for by admins.");
      if (!(await principalExists(db, principal))) throw notFound("principal", principal);
      const { email } = checkBody(emailRequestSchema, sent.body);
      if (email !== null && (await emailTaken(db, { email, principal })))
        throw new CountersignError("invalid", "Somebody else has this address.", {
          faults: [{ path: "email", message: "is another principal's" }],
        });
      const route = `PUT /api/messages/people/${principal}`;
      return runOnce<OwnMessagesView>(context, { caller, route, key: sent.key, body: { email } }, async () => {
        await writePersonSettings(db, { principal, by: caller.principal.id, email });
        return { kind: "done", status: 200, value: await ownOf(principal) };
      });
    },
  };
}

async function writeTeam(
  { db }: ControlContext,
  box: SecretBox,
  { team, body, by }: { team: string; body: TeamMessagesRequest; by: string },
): Promise<Outcome<TeamMessagesView>> {
  const before = await readSettings(db, team);
  const webhook = webhookOf(before, body.webhook);
  const slack = body.slack === undefined ? before && { team: before.slack_team, channel: before.slack_channel } : body.slack;
  const row = await writeSettings(db, {
    team,
    slack_team: slack === null || slack.channel === null ? null : (slack.team ?? "own"),
    slack_channel: slack?.channel ?? null,
    emails: body.emails ?? before?.emails ?? [],
    webhook_url: webhook.url,
    webhook_secret: webhook.secret === null ? webhook.sealed : box.seal(webhook.secret),
    changed_by: by,
  });
  return { kind: "done", status: 200, value: teamOf(row) };
}

interface WebhookChange {
  url: string | null;
  /** New; null: as it was. */
  secret: string | null;
  sealed: string | null;
}

/** The same address keeps its secret, unless another is given. */
function webhookOf(before: SettingsRow | null, wanted: TeamMessagesRequest["webhook"]): WebhookChange {
  const kept = { url: before?.webhook_url ?? null, secret: null, sealed: before?.webhook_secret ?? null };
  if (wanted === undefined) return kept;
  if (wanted === null) return { url: null, secret: null, sealed: null };
  if (wanted.secret !== undefined) return { url: wanted.url, secret: wanted.secret, sealed: null };
  if (wanted.url === kept.url && kept.sealed !== null) return kept;
  throw new CountersignError("invalid", "A new webhook needs its secret: whsec_ and 24 to 64 bytes in base64.", {
    faults: [{ path: "webhook.secret", message: "is needed for a new address" }],
  });
}

function teamOf(row: SettingsRow): TeamMessagesView {
  return {
    team: row.team,
    slack: row.slack_channel === null ? null : { team: row.slack_team ?? "own", channel: row.slack_channel },
    emails: row.emails,
    webhook: row.webhook_url === null ? null : { url: row.webhook_url },
    changedBy: row.changed_by,
    changedAt: row.changed_at.toISOString(),
  };
}

function troubledOf(row: DeliveryRow): MessagesView["troubled"][number] {
  const { id, notice, subject, way, destination, state, failure, cure, due_at } = row;
  return { id, notice, subject, way, destination, state, failure, cure, dueAt: due_at.toISOString() };
}

function runsPlatform({ roles }: Principal): boolean {
  return roles.includes("operator") || roles.includes("admin");
}

function refuseUnless(allowed: boolean, why: string): void {
  if (!allowed) throw new CountersignError("forbidden", why);
}
