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

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-readme-"));
  clone = join(folder, "countersign");
  await run("git", ["clone", "--quiet", root, clone]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

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

function begin(command: string): { child: ChildProcess; said: () => string } {
  let output = "";
  const child = spawn("sh", ["-c", `exec ${command}`], {
    cwd: clone,
    env: newcomersEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return { child, said: () => output };
}

async function does(command: string): Promise<{ code: number; said: string }> {
  const { child, said } = begin(command);
  const [code] = (await once(child, "exit")) as [number];
  return { code, said: said() };
}

async function saying(started: ReturnType<typeof begin>, words: string, withinMs: number): Promise<void> {
  await until(
    `"${words}" in:\n${started.said()}`,
    () => {
      if (started.child.exitCode !== null) throw new Error(`It ended with ${started.child.exitCode}:\n${started.said()}`);
      return Promise.resolve(started.said().includes(words));
    },
    withinMs,
  );
}

async function ctrlC({ child }: ReturnType<typeof begin>): Promise<number | null> {
  child.kill("SIGINT");
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
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
    expect(rest).toEqual(["npm test"]);

    const first = begin("npm start");
    await saying(first, "A person must decide", 240_000);
    expect(first.said()).toContain(approve?.match(/flight-delays[.\w]+/)?.[0] ?? "the gate");
    expect(await does(approve ?? "")).toMatchObject({ code: 0, said: expect.stringContaining("accepted") });
    expect(await does(show ?? "")).toMatchObject({ code: 0, said: expect.stringContaining("promoted") });
    expect(await does(rollback ?? "")).toMatchObject({ code: 1, said: expect.stringContaining("nothing-to-roll-back-to") });
    await saying(first, '"version":"flight-delays.1"', 60_000);
    expect(await ctrlC(first)).toBe(0);

    const second = begin("npm start");
    await saying(second, '"version":"flight-delays.1"', 120_000);
    expect(second.said()).not.toContain("npm ci");
    expect(await ctrlC(second)).toBe(0);
  }, 420_000);
});
