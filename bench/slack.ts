import { createHmac, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, Connection } from "@temporalio/client";
import pg from "pg";
import { seedState, userNamed } from "../slack-sandbox/workspace/seed.ts";
import { call, findInstance, quantile, type RunningInstance } from "./running-instance.ts";

/**
 * Clicks as Slack sends them, signed with the sandbox's secret, and many gates at once under its
 * limits (one message a second a channel):
 *
 *   npm start                          (in another terminal)
 *   npm run bench:slack -- 200 1000    (clicks, gates)
 *
 * Told: click → acknowledged at 20 clicks a second; click → message changed, one by one and with as many
 * clicks at once as Slack's limit for changes takes minutes for; how long until every
 * message of the gates was there; the API's answers meanwhile as a ratio to those without.
 */
const clicks = Number(process.argv[2] ?? 200);
const gates = Number(process.argv[3] ?? 100);
const clicksPerSecond = 20;
/** As people click: the next one once the message of the one before tells the truth. */
const onesByOne = 20;
/** No wait of the bench is longer, whatever the number of gates. */
const longestMs = 30 * 60_000;
/** What was not there in time. */
const missed: string[] = [];
const home = process.env["COUNTERSIGN_HOME"] ?? ".countersign";

interface Credentials {
  signingSecret: string;
  teamId: string;
  appId: string;
}

const instance = await findInstance(home);
const credentials = JSON.parse(await readFile(join(home, "slack-sandbox", "credentials.json"), "utf8")) as Credentials;
const { databaseUrl } = JSON.parse(await readFile(join(home, "endpoints.json"), "utf8")) as { databaseUrl: string };
const connection = await Connection.connect({ address: instance.temporalAddress });
const temporal = new Client({ connection });
const db = new pg.Client({ connectionString: databaseUrl });
await db.connect();

const say = (text: string) => void process.stdout.write(`${text}\n`);
const asMs = (values: number[]) =>
  values.length === 0
    ? "none"
    : `p50 ${quantile(values, 0.5).toFixed(0)} ms   p99 ${quantile(values, 0.99).toFixed(0)} ms   most ${Math.max(...values).toFixed(0)} ms`;

const quiet = await apiLatencies(instance, () => false, 100);
const alone = await openGates(onesByOne);
await untilDelivered(alone);
const waited: number[] = [];
for (const gate of alone) {
  const { clickedAt: at } = await clickAll([gate]);
  await untilDelivered([gate], "approved");
  waited.push(...changedAfter(await changesOf([gate]), at));
}
say(`click → message changed, one by one  ${asMs(waited)}`);

const asked = await openGates(clicks);
await untilDelivered(asked);
const { acknowledged, clickedAt, refused } = await clickAll(asked);
say(`click → acknowledged, ${clicksPerSecond} a second   ${asMs(acknowledged)}   (${refused} of ${clicks} not acknowledged)`);
await untilDelivered(asked, "approved");
say(
  `click → message changed, all at once ${asMs(changedAfter(await changesOf(asked), clickedAt))}   (Slack takes some 50 a minute)`,
);

const startedAt = Date.now();
const many = await openGates(gates);
let isDelivered = false;
const delivering = untilDelivered(many).finally(() => (isDelivered = true));
const loaded = await apiLatencies(instance, () => isDelivered, Number.POSITIVE_INFINITY);
await delivering;
const { rows: posted } = await db.query<{ count: string }>(
  "select count(distinct ts) as count from deliveries where notice = 'gate' and subject = any($1) and ts is not null",
  [many],
);
say(
  `${gates} gates at once: ${posted[0]?.count} messages there after ${((Date.now() - startedAt) / 1000).toFixed(0)} s (one a second a channel)`,
);
say(
  `API meanwhile                        ${asMs(loaded)}; ratio at the median ${(quantile(loaded, 0.5) / quantile(quiet, 0.5)).toFixed(2)}`,
);
say(missed.length === 0 ? "Everything was there in time." : `Missed: ${missed.join("; ")}.`);
if (missed.length > 0) process.exitCode = 1;
await db.end();
await connection.close();

async function openGates(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => `ext.bench.${randomBytes(6).toString("hex")}`);
  const startOne = (gate: string) =>
    temporal.workflow.start("gate", {
      workflowId: `gate/${gate}`,
      taskQueue: "lifecycle",
      args: [
        {
          gate,
          external: {
            policy: "medium-managed",
            rule: "approval",
            subject: { kind: "report", id: gate.slice(-6), digest: `sha256:${randomBytes(32).toString("hex")}` },
            ask: "May this go on?",
            why: "a bench asks",
          },
        },
      ],
    });
  for (let at = 0; at < ids.length; at += 20) await Promise.all(ids.slice(at, at + 20).map(startOne));
  return ids;
}

/**
 * Until each gate's message says what it should; with a resolution: until all gates have it, too. Ends by itself
 * after a minute and twice what Slack's limit of one message a second takes, half an hour at most, and what is
 * missing then is told: the table is told to its end all the same.
 */
async function untilDelivered(ids: string[], resolution?: string): Promise<void> {
  const deadline = Date.now() + Math.min(60_000 + ids.length * 2_000, longestMs);
  for (;;) {
    const { rows } = await db.query<{ count: string }>(
      `select count(*) as count from gates g join deliveries d on d.subject = g.id and d.notice = 'gate'
       where g.id = any($1) and d.state = 'done'
         and ($2::text is null or (g.resolution = $2 and d.delivered_at > g.closed_at))`,
      [ids, resolution ?? null],
    );
    if (Number(rows[0]?.count ?? 0) >= ids.length) return;
    if (Date.now() > deadline) {
      missed.push(
        `${rows[0]?.count ?? 0} of ${ids.length} messages ${resolution === undefined ? "were there" : "said so"} in time`,
      );
      return;
    }
    await sleep(100);
  }
}

interface Change {
  subject: string;
  at: Date;
}

async function changesOf(ids: string[]): Promise<Change[]> {
  const { rows } = await db.query<Change>(
    `select d.subject, d.delivered_at as at from deliveries d join gates g on g.id = d.subject
     where d.notice = 'gate' and d.subject = any($1) and d.state = 'done' and d.delivered_at > g.closed_at`,
    [ids],
  );
  return rows;
}

/** Milliseconds from each click to its message. */
function changedAfter(changes: Change[], clickedAt: Map<string, number>): number[] {
  return changes.map(({ subject, at }) => at.getTime() - (clickedAt.get(subject) ?? 0));
}

async function clickAll(ids: string[]) {
  const { rows } = await db.query<{ id: string; digest: string }>(
    "select id, request_digest as digest from gates where id = any($1)",
    [ids],
  );
  const acknowledged: number[] = [];
  const clickedAt = new Map<string, number>();
  let refusedCount = 0;
  const under: Promise<void>[] = [];
  const from = performance.now();
  for (const [index, { id, digest }] of rows.entries()) {
    await sleep(Math.max(0, from + (index * 1000) / clicksPerSecond - performance.now()));
    clickedAt.set(id, Date.now());
    const at = performance.now();
    under.push(
      click(id, digest).then((status) => {
        acknowledged.push(performance.now() - at);
        if (status !== 200) refusedCount += 1;
      }),
    );
  }
  await Promise.all(under);
  return { acknowledged, clickedAt, refused: refusedCount };
}

async function click(gate: string, digest: string): Promise<number> {
  const grace = userNamed(seedState().users, "grace");
  const payload = {
    type: "block_actions",
    api_app_id: credentials.appId,
    team: { id: credentials.teamId, domain: "sandbox" },
    user: { id: grace.id, team_id: credentials.teamId, name: "grace" },
    trigger_id: "1.2.3",
    actions: [
      {
        type: "button",
        action_id: "gate.approve",
        block_id: "gate",
        action_ts: `${Date.now() / 1000}`,
        value: JSON.stringify({ g: gate, d: digest, i: 0 }),
      },
    ],
  };
  const body = `payload=${encodeURIComponent(JSON.stringify(payload))}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", credentials.signingSecret).update(`v0:${timestamp}:${body}`).digest("hex");
  const answer = await fetch(`${instance.api}/slack/events`, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": `v0=${signature}`,
    },
    body,
  });
  await answer.body?.cancel();
  return answer.status;
}

/** How long the API takes for a list, ten times a second until it is enough. */
async function apiLatencies(at: RunningInstance, isEnough: () => boolean, most: number): Promise<number[]> {
  const latencies: number[] = [];
  while (!isEnough() && latencies.length < most) {
    const begun = performance.now();
    await call(at, "olga", { path: "/api/models" });
    latencies.push(performance.now() - begun);
    await sleep(100);
  }
  return latencies;
}
