import { randomUUID } from "node:crypto";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ensureTemporalCli } from "../../bin/setup/temporal-cli.mjs";
import { temporalAddress } from "../setup/temporal.ts";

const run = promisify(execFile);

/** What somebody can do who reaches Temporal's port and has its command line, and nothing of ours. */
export function createIntruder(namespace: string) {
  const cli = ensureTemporalCli();
  async function temporal(...args: string[]): Promise<{ ok: boolean; text: string }> {
    const path = await cli;
    try {
      const { stdout, stderr } = await run(path, [...args, "--address", temporalAddress(), "--namespace", namespace], {
        timeout: 30_000,
      });
      return { ok: true, text: stdout + stderr };
    } catch (error) {
      // What the program wrote; the error's own message repeats the command.
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      return { ok: false, text: stdout + stderr || String(error) };
    }
  }
  const workflow = (id: string) => ["--workflow-id", id] as const;
  return {
    update: (id: string, name: string, input: unknown) =>
      temporal(
        "workflow",
        "update",
        "execute",
        ...workflow(id),
        "--name",
        name,
        "--input",
        JSON.stringify(input),
        "--identity",
        "grace@bank",
      ),
    signal: (id: string, name: string, input: unknown) =>
      temporal(
        "workflow",
        "signal",
        ...workflow(id),
        "--name",
        name,
        "--input",
        JSON.stringify(input),
        "--identity",
        "grace@bank",
      ),
    start: (id: string, type: string, input: unknown) =>
      temporal(
        "workflow",
        "start",
        ...workflow(id),
        "--type",
        type,
        "--task-queue",
        "lifecycle",
        "--input",
        JSON.stringify(input),
      ),
    /** An activity by hand, as a standalone one: the worker's answer, or its refusal. */
    execute: (type: string, queue: string, input?: unknown) =>
      temporal(
        "activity",
        "execute",
        "--activity-id",
        randomUUID(),
        "--type",
        type,
        "--task-queue",
        queue,
        "--start-to-close-timeout",
        "20s",
        "--schedule-to-close-timeout",
        "25s",
        "--retry-maximum-attempts",
        "1",
        ...(input === undefined ? [] : ["--input", JSON.stringify(input)]),
      ),
    terminate: (id: string) => temporal("workflow", "terminate", ...workflow(id), "--reason", "a test"),
    resetToStart: (id: string) =>
      temporal(
        "workflow",
        "reset",
        ...workflow(id),
        "--type",
        "FirstWorkflowTask",
        "--reason",
        "a test",
        "--reapply-exclude",
        "All",
      ),
  };
}
