import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/**
 * From a clean clone to the open gate, and from a second start to ready: `npm run bench:start`.
 * Package caches (npm's, and the Temporal server's) are left as they are; ports are the defaults
 * or the next free ones.
 */
const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "countersign-clone-"));
const clone = join(folder, "clone");
await run("git", ["clone", "--quiet", root, clone]);

/** Milliseconds until the program says `words`, or, without them, until it ends by itself. */
async function timed(args: string[], words: string | null): Promise<number> {
  const begun = performance.now();
  const child = spawn("npm", ["start", "--", ...args], { cwd: clone, stdio: ["ignore", "pipe", "inherit"], detached: true });
  let output = "";
  let reachedMs = Number.NaN;
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (words === null || !Number.isNaN(reachedMs) || !output.includes(words)) return;
    reachedMs = performance.now() - begun;
    if (child.pid) process.kill(-child.pid, "SIGINT");
  });
  const [code] = await once(child, "exit");
  if (words === null && code === 0) return performance.now() - begun;
  if (Number.isNaN(reachedMs)) throw new Error(`npm start ended with ${String(code)}:\n${output}`);
  return reachedMs;
}

try {
  const first = await timed(["--until", "gate"], null);
  const second = await timed([], "ready after");
  process.stdout.write(
    `clean clone → gate open         ${(first / 1000).toFixed(1)} s (aim: 120 s with warm package caches; stopping included)\n`,
  );
  process.stdout.write(`second start → ready            ${(second / 1000).toFixed(1)} s (aim: 10 s)\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
