import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anyFreePorts } from "../../bin/dev/ports.ts";
import { verifyAudit } from "../../db/audit.ts";
import { until } from "../world/until.ts";
import { openSlackStand, type SlackStand } from "./stand.ts";

/** 200 moments with `npm run faults:slack`; a few of them in every run. COUNTERSIGN_SEED gives a run again. */
const moments = process.env["COUNTERSIGN_FAULTS"] === "all" ? 200 : 4;
const seed = Number(process.env["COUNTERSIGN_SEED"] ?? Date.now() % 1_000_000);
/** Clicks under way when the process is killed, each begun at a moment of its own: a start of the server costs seconds, a click none. */
const clicksAKill = Math.min(10, moments);
const kills = Math.ceil(moments / clicksAKill);
/** What a click takes at present, 60 to 150 ms on a quiet machine: kills fall before, in and after all of its steps. */
let clickMs = 150;
const people = ["grace", "george"] as const;

let stand: SlackStand;
let folder: string;
let server: ChildProcess;
let environment: NodeJS.ProcessEnv;
let origin: string;

beforeAll(async () => {
  [stand, folder] = await Promise.all([openSlackStand(), mkdtemp(join(tmpdir(), "countersign-kills-"))]);
  const [port = 0] = await anyFreePorts(1);
  origin = `http://127.0.0.1:${port}`;
  const keyFile = join(folder, "signing.pem");
  await writeFile(keyFile, stand.world.keys.privateKey, { mode: 0o600 });
  const {
    DATABASE_URL,
    TEMPORAL_ADDRESS,
    TEMPORAL_NAMESPACE,
    SLACK_API_URL,
    SLACK_BOT_TOKEN,
    SLACK_SIGNING_SECRET,
    SLACK_CHANNEL,
  } = stand.config;
  environment = {
    PATH: process.env["PATH"],
    DATABASE_URL,
    TEMPORAL_ADDRESS,
    TEMPORAL_NAMESPACE,
    SLACK_API_URL,
    SLACK_BOT_TOKEN,
    SLACK_SIGNING_SECRET,
    SLACK_CHANNEL,
    COUNTERSIGN_MODE: "development",
    COUNTERSIGN_LOG_LEVEL: "error",
    COUNTERSIGN_ARTIFACTS: join(folder, "artifacts"),
    COUNTERSIGN_SIGNING_KEY_FILE: keyFile,
    COUNTERSIGN_API_PORT: String(port),
  };
  stand.slack.setEventsUrl(`${origin}/slack/events`);
  await startServer();
}, 120_000);
afterAll(async () => {
  await killServer();
  await stand.close();
  await rm(folder, { recursive: true, force: true });
});

async function startServer(): Promise<void> {
  server = spawn(process.execPath, [fileURLToPath(new URL("../../bin/server.ts", import.meta.url))], {
    env: environment,
    stdio: ["ignore", "ignore", "inherit"],
  });
  await until(
    "the server answers",
    () => {
      const { exitCode, signalCode } = server;
      if (exitCode !== null || signalCode !== null) throw new Error(`The server ended by itself: ${exitCode ?? signalCode}.`);
      return fetch(`${origin}/api/health/live`, { signal: AbortSignal.timeout(2_000) }).then(
        (answer) => answer.ok,
        () => false,
      );
    },
    90_000,
  );
}

async function killServer(): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill("SIGKILL");
  await once(server, "exit");
}

/** mulberry32: the same numbers for the same seed. */
function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A whole click is the measure of those that will be cut off. */
async function measureClick(): Promise<void> {
  const { message } = await stand.asked();
  const { tookMs } = await stand.slack.click({ as: "grace", channel: stand.channel, ts: message.ts, actionId: "gate.approve" });
  clickMs = tookMs;
}

/** Clicks on all of them, each at its own moment before the kill; whether it was acknowledged. */
async function clickAndKill(asked: Awaited<ReturnType<typeof ask>>, random: () => number): Promise<boolean[]> {
  const longestDelayMs = Math.min(2_000, 1.5 * clickMs);
  const clicked = asked.map(async ({ click }) => {
    await sleep(random() * longestDelayMs);
    return stand.slack.click(click);
  });
  await sleep(longestDelayMs);
  await killServer();
  const outcomes = await Promise.all(clicked);
  return outcomes.map((outcome) => outcome.ok);
}

function ask() {
  return Promise.all(
    Array.from({ length: clicksAKill }, async (_, index) => {
      const as = people[index % people.length] ?? "grace";
      const { gate, message } = await stand.asked({ contributors: [] });
      return {
        as,
        gate,
        message,
        click: { as, channel: stand.channel, ts: message.ts, actionId: "gate.approve", asSeen: message },
      };
    }),
  );
}

test(
  `killed at ${moments} random moments between a click and its acknowledgement (seed ${seed}), no decision is lost, none doubled, and the message tells the truth`,
  async () => {
    const random = randomOf(seed);
    const { slack, channel, world } = stand;
    const tally = { acknowledged: 0, not: 0 };
    await measureClick();
    let asking = ask();
    for (let kill = 0; kill < kills; kill += 1) {
      const asked = await asking;
      const acknowledged = await clickAndKill(asked, random);
      // The next ones are asked while the server starts: messages come one a second.
      if (kill + 1 < kills) asking = ask();
      await startServer();
      await Promise.all(
        asked.map(async ({ as, gate, message, click }, index) => {
          const isAcknowledged = acknowledged[index] === true;
          tally[isAcknowledged ? "acknowledged" : "not"] += 1;
          // What was acknowledged needs no second click; else the person clicks again, on what the screen still shows.
          if (!isAcknowledged) await clickUntilTaken(click);
          await slack.until(
            () => slack.messages(channel).find((one) => one.ts === message.ts && one.text.startsWith(`Approved by ${as}`)),
            60_000,
          );
          const counted = await world.db
            .selectFrom("decisions")
            .select("principal_id")
            .where("gate_id", "=", gate)
            .where("counted", "=", true)
            .execute();
          expect(counted, `decisions of ${gate} at kill ${kill}`).toEqual([{ principal_id: as }]);
        }),
      );
    }
    expect((await verifyAudit(world.db)).ok).toBe(true);
    expect(slack.complaints()).toEqual([]);
    if (moments > 10)
      process.stdout.write(`acknowledged before the kill: ${tally.acknowledged}, not: ${tally.not}, seed ${seed}\n`);
  },
  60_000 + kills * 60_000,
);

/** A person who sees Slack's own error clicks again; the process has only just begun to answer. */
async function clickUntilTaken(click: Parameters<SlackStand["slack"]["click"]>[0]): Promise<void> {
  const taken = await until("the second click is taken", async () => {
    const outcome = await stand.slack.click(click);
    return outcome.ok && outcome;
  });
  clickMs = taken.tookMs;
}
