import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../world/until.ts";

/** Walks the commands of the README as a newcomer would: from a clean clone, with what it says and nothing else. */
const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;
let clone: string;
const begun: Started[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-readme-"));
  clone = join(folder, "countersign");
  await run("git", ["clone", "--quiet", root, clone]);
});
afterAll(async () => {
  await Promise.all(begun.filter(({ child }) => child.exitCode === null && child.signalCode === null).map(ctrlC));
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** The lines of the README's shell blocks, without their remarks. */
async function commands(): Promise<string[]> {
  const text = await readFile(join(clone, "README.md"), "utf8");
  const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map((block) => block[1] ?? "");
  return blocks
    .flatMap((block) => block.split("\n").map((line) => line.replace(/\s+#.*$/, "").trim()))
    .filter((line) => line !== "");
}

/** Without what the surrounding test run has set. */
function newcomersEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(COUNTERSIGN|VITEST|NODE_ENV|npm_)/.test(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, name === "PATH" ? withoutOurs(value ?? "") : value]));
}

function withoutOurs(path: string): string {
  return path
    .split(":")
    .filter((one) => !one.includes("node_modules"))
    .join(":");
}

interface Started {
  child: ChildProcess;
  said: () => string;
}

function begin(command: string): Started {
  let output = "";
  const child = spawn("sh", ["-c", `exec ${command}`], {
    cwd: clone,
    env: newcomersEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const started = { child, said: () => output };
  begun.push(started);
  return started;
}

async function does(command: string): Promise<{ code: number; said: string }> {
  const { child, said } = begin(command);
  const [code] = (await once(child, "exit")) as [number];
  return { code, said: said() };
}

async function saying(started: Started, words: string, withinMs: number): Promise<void> {
  await until(
    `"${words}" in:\n${started.said()}`,
    () => {
      if (started.child.exitCode !== null) throw new Error(`It ended with ${started.child.exitCode}:\n${started.said()}`);
      return Promise.resolve(started.said().includes(words));
    },
    withinMs,
  );
}

/** The whole group hears it, as from a terminal. What does not end within half a minute is killed. */
async function ctrlC({ child }: Started): Promise<void> {
  const ended = once(child, "exit");
  if (child.pid) process.kill(-child.pid, "SIGINT");
  const timer = setTimeout(() => child.pid && process.kill(-child.pid, "SIGKILL"), 30_000);
  await ended;
  clearTimeout(timer);
}

describe("the README's commands, from a clean clone", () => {
  it("lead to a model that serves, and a second start goes on from there", async () => {
    const all = await commands();
    const start = all.indexOf("npm start");
    const [approve, show, rollback, ...rest] = all.slice(start + 1);
    expect(start).toBeGreaterThanOrEqual(0);
    expect([approve, show, rollback]).toEqual([
      expect.stringContaining("approve flight-delays.1.promotion.1"),
      expect.stringContaining("show flight-delays.1 --watch"),
      expect.stringContaining("rollback flight-delays"),
    ]);
    const [tests, apply, release, ...others] = rest;
    expect([tests, apply, release, ...others]).toEqual([
      "npm test",
      expect.stringContaining("apply examples/flight-delays/model.lightgbm.yaml"),
      expect.stringContaining("release flight-delays"),
    ]);

    const first = begin("npm start");
    await saying(first, "A person must decide", 150_000);
    expect(first.said()).toContain(approve?.match(/flight-delays[.\w]+/)?.[0] ?? "the gate");
    expect(await does(approve ?? "")).toMatchObject({ code: 0, said: expect.stringContaining("accepted") });
    expect(await does(show ?? "")).toMatchObject({ code: 0, said: expect.stringContaining("promoted") });
    expect(await does(rollback ?? "")).toMatchObject({ code: 1, said: expect.stringContaining("no earlier champion") });
    await saying(first, '"version":"flight-delays.1"', 60_000);
    await ctrlC(first);
    expect(first.said()).toContain("stopped all processes");

    const second = begin("npm start");
    await saying(second, '"version":"flight-delays.1"', 120_000);
    expect(second.said()).not.toContain("npm ci");
    expect(await does(apply ?? "")).toMatchObject({ code: 0 });
    expect(await does(release ?? "")).toMatchObject({ code: 0, said: expect.stringContaining("flight-delays.2") });
    await ctrlC(second);
  }, 600_000);
});
