import { spawn } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { processesMarked } from "../../bin/dev/supervision/process-identity.ts";
import { anyFreePorts } from "../../bin/dev/ports.ts";
import { temporaryFolder, eventually } from "./temporary-home.ts";

const program = fileURLToPath(new URL("../../bin/start.mjs", import.meta.url));
const patienceMs = 240_000;

let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  const [api, serving, temporal, temporalUi, postgres, slack] = await anyFreePorts(6);
  env = {
    ...process.env,
    COUNTERSIGN_API_PORT: String(api),
    COUNTERSIGN_SERVING_PORT: String(serving),
    COUNTERSIGN_TEMPORAL_PORT: String(temporal),
    COUNTERSIGN_TEMPORAL_UI_PORT: String(temporalUi),
    COUNTERSIGN_POSTGRES_PORT: String(postgres),
    COUNTERSIGN_SLACK_SANDBOX_PORT: String(slack),
  };
});

/** `npm start` as from a terminal: in a process group of its own, to which Ctrl-C goes. */
function start(home: string, args: string[]) {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...env, COUNTERSIGN_HOME: home },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  return {
    ended,
    output: () => output,
    toGroup: (name: NodeJS.Signals) => process.kill(-(child.pid ?? 0), name),
    /** Waits until it says so; an end before is told with all that it said. */
    async says(text: string) {
      const over = ended.then((code) => `ended with ${code}`);
      const said = eventuallySays(() => output.includes(text));
      const first = await Promise.race([said, over]);
      if (first !== "said" && !output.includes(text)) throw new Error(`it ${first} without "${text}":\n${output}`);
    },
  };
}

async function eventuallySays(holds: () => boolean): Promise<"said"> {
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline;) {
    if (
      await eventually("it says so", holds).then(
        () => true,
        () => false,
      )
    )
      return "said";
  }
  throw new Error("it did not say so in time");
}

async function left(home: string): Promise<number[]> {
  return processesMarked(await readFile(join(home, "instance"), "utf8"));
}

async function readTokens(home: string): Promise<Record<string, string>> {
  return z.record(z.string(), z.string()).parse(JSON.parse(await readFile(join(home, "tokens.json"), "utf8")));
}

/** Does what the printed curl command does. */
async function approve(home: string, output: string): Promise<number> {
  const { grace } = await readTokens(home);
  const url = /curl -sS (\S+\/decisions)/.exec(output)?.[1] ?? "";
  const body = /-d '(\{"decision".*\})'/.exec(output)?.[1] ?? "";
  const answer = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${grace}`, "content-type": "application/json" },
    body,
  });
  return answer.status;
}

test(
  "a release goes to its gate, survives Ctrl-C and kill -9 of everything, and serves once it is approved",
  async () => {
    const home = join(await temporaryFolder(), "home");

    const first = start(home, ["--until", "gate", "--timeout", "200"]);
    expect(await first.ended, first.output()).toBe(0);
    for (const words of ["ingest", "evaluate", "A person must decide", "npx countersign approve flight-delays.1.promotion.1"]) {
      expect(first.output()).toContain(words);
    }
    expect(await left(home)).toEqual([]);
    for (const name of ["endpoints.json", "tokens.json", "keys/signing.pem"])
      expect((await stat(join(home, name))).mode & 0o777).toBe(0o600);

    const second = start(home, []);
    await second.says("release flight-delays.1: waiting");
    const rival = start(home, []);
    expect(await rival.ended).toBe(1);
    expect(rival.output()).toMatch(/Countersign runs already with .* \(process \d+\)/);
    second.toGroup("SIGINT");
    expect(await second.ended, second.output()).toBe(0);
    expect(await left(home)).toEqual([]);

    const third = start(home, []);
    await third.says("A person must decide");
    const running = await left(home);
    expect(running.length).toBeGreaterThanOrEqual(7);
    third.toGroup("SIGKILL");
    for (const pid of running) process.kill(pid, "SIGKILL");
    await third.ended;

    const fourth = start(home, ["--until", "served", "--timeout", "200"]);
    await fourth.says('"decision":"approve"');
    expect(await approve(home, fourth.output())).toBe(200);
    expect(await fourth.ended, fourth.output()).toBe(0);
    expect(fourth.output()).toMatch(
      /flight-delays\.1 serves\.[^]*answer\s+\{"version":"flight-delays\.1","predictions":\[\{"id":"prd_/,
    );
    expect(await left(home)).toEqual([]);
  },
  patienceMs,
);

test(
  "a script gets exit code 1 when the time is over, and nothing runs on",
  async () => {
    const home = join(await temporaryFolder(), "home");
    const { ended, output } = start(home, ["--until", "served", "--timeout", "1"]);
    expect(await ended).toBe(1);
    expect(output()).toContain("✗ not there after 1 s");
    expect(await left(home)).toEqual([]);
  },
  patienceMs,
);

test("a wrong argument is exit code 2 and starts nothing", async () => {
  const home = join(await temporaryFolder(), "home");
  const { ended, output } = start(home, ["--until", "tomorrow"]);
  expect(await ended).toBe(2);
  expect(output()).toContain("Allowed choices are gate, served");
  await expect(stat(home)).rejects.toThrow(/ENOENT/);
});

test("faults of the configuration are told together and start nothing", async () => {
  const home = join(await temporaryFolder(), "home");
  env = { ...env, COUNTERSIGN_LOG_LEVEL: "loud", COUNTERSIGN_API_PORT: "many" };
  const { ended, output } = start(home, []);
  expect(await ended).toBe(1);
  expect(output()).toMatch(/COUNTERSIGN_LOG_LEVEL[^]*COUNTERSIGN_API_PORT|COUNTERSIGN_API_PORT[^]*COUNTERSIGN_LOG_LEVEL/);
  await expect(stat(home)).rejects.toThrow(/ENOENT/);
});
