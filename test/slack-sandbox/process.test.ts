import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { webApi } from "@slack/bolt";

const main = fileURLToPath(new URL("../../slack-sandbox/main.ts", import.meta.url));

let folder: string;
const started: ChildProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slack-sandbox-"));
});
afterAll(async () => {
  for (const child of started) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

/** Starts the process; what it says first, and its end. */
function start(environment: Record<string, string>) {
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  let output = "";
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once("exit", (code) => resolve({ code, output })),
  );
  const spoke = new Promise<string>((resolve) => {
    const hear = (data: Buffer) => {
      output += data.toString();
      resolve(output);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
  });
  return { child, ended, spoke };
}

interface Credentials {
  botToken: string;
  signingSecret: string;
  apiUrl: string;
  url: string;
}
// Written by the process that was started.
const credentials = async () => JSON.parse(await readFile(join(folder, "credentials.json"), "utf8")) as Credentials;

describe("the sandbox as a process", () => {
  test("keeps messages and credentials over a restart, and makes its secret anew for each instance", async () => {
    const first = start({ SLACK_SANDBOX_PORT: "0", SLACK_SANDBOX_STATE: folder });
    await first.spoke;
    const before = await credentials();
    expect((await stat(join(folder, "credentials.json"))).mode & 0o777).toBe(0o600);
    expect((await fetch(`${before.url}/sandbox/health`)).status).toBe(200);
    await new webApi.WebClient(before.botToken, { slackApiUrl: before.apiUrl }).chat.postMessage({
      channel: "general",
      text: "kept",
    });
    first.child.kill("SIGTERM");
    expect((await first.ended).code).toBe(0);

    const second = start({ SLACK_SANDBOX_PORT: "", SLACK_SANDBOX_STATE: folder });
    await second.spoke;
    const after = await credentials();
    expect([after.botToken, after.signingSecret]).toEqual([before.botToken, before.signingSecret]);
    expect(await (await fetch(`${after.url}/?as=ada&in=general`)).text()).toContain("kept");
    second.child.kill("SIGTERM");
    await second.ended;

    const other = join(folder, "other");
    const third = start({ SLACK_SANDBOX_STATE: other });
    await third.spoke;
    const another = JSON.parse(await readFile(join(other, "credentials.json"), "utf8")) as Credentials;
    expect(another.signingSecret).not.toBe(before.signingSecret);
    third.child.kill("SIGTERM");
    await third.ended;
  });

  test("tells all faults of its environment and does not start", async () => {
    const { ended } = start({ SLACK_SANDBOX_PORT: "http", SLACK_SANDBOX_EVENTS_URL: "nowhere" });
    const { code, output } = await ended;
    expect(code).toBe(2);
    expect(output).toContain("SLACK_SANDBOX_PORT");
    expect(output).toContain("SLACK_SANDBOX_EVENTS_URL");
  });
});
