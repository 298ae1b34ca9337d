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
const rounds = process.env["COUNTERSIGN_FAULTS"] === "all" ? 200 : 4;
const seed = Number(process.env["COUNTERSIGN_SEED"] ?? Date.now() % 1_000_000);
/** A click takes some 60 to 150 ms on a quiet machine: kills fall before, in and after all of its steps. */
const longestDelayMs = 250;

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
    () =>
      fetch(`${origin}/api/health/live`).then(
        (answer) => answer.ok,
        () => false,
      ),
    60_000,
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

test(
  `killed at ${rounds} random moments between a click and its acknowledgement (seed ${seed}), no decision is lost, none doubled, and the message tells the truth`,
  async () => {
    const random = randomOf(seed);
    const { slack, channel, world } = stand;
    const tally = { acknowledged: 0, not: 0 };
    for (let round = 0; round < rounds; round += 1) {
      const { gate, message } = await stand.asked({ contributors: [] });
      const click = { as: "grace", channel, ts: message.ts, actionId: "gate.approve", asSeen: message };
      const clicked = slack.click(click);
      await sleep(random() * longestDelayMs);
      await killServer();
      const { ok } = await clicked;
      tally[ok ? "acknowledged" : "not"] += 1;
      await startServer();
      // What was acknowledged needs no second click; else the person clicks again, on what the screen still shows.
      if (!ok) expect((await slack.click(click)).ok, `the second click of round ${round}`).toBe(true);
      await slack.until(
        () => slack.messages(channel).find((one) => one.ts === message.ts && one.text.startsWith("Approved by grace")),
        30_000,
      );
      const counted = await world.db
        .selectFrom("decisions")
        .select("command_id")
        .where("gate_id", "=", gate)
        .where("counted", "=", true)
        .execute();
      expect(counted, `decisions of round ${round}`).toHaveLength(1);
    }
    expect((await verifyAudit(world.db)).ok).toBe(true);
    expect(slack.complaints()).toEqual([]);
    if (rounds > 10)
      process.stdout.write(`acknowledged before the kill: ${tally.acknowledged}, not: ${tally.not}, seed ${seed}\n`);
  },
  60_000 + rounds * 20_000,
);
