import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";

/** It needs a database engine, for which this room has no means: a program of its own. */
const compiler = fileURLToPath(new URL("../bin/sql-check.ts", import.meta.url));
/** It takes half a second; a minute is a machine on which nothing moves. */
const longestMs = 60_000;

const answer = z.array(
  z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string(), at: z.int().nullable() })),
);
type SqlFaults = z.output<typeof answer>;

/** The faults in each definition's SQL, or why it could not be compiled here. */
export async function compileSql(
  definitions: ResolvedDefinition[],
  { signal, program = compiler }: { signal: AbortSignal; program?: string },
): Promise<SqlFaults | { reason: string }> {
  if (definitions.length === 0) return [];
  const child = spawn(process.execPath, [program], { signal, timeout: longestMs, stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<{ code: number | null; error?: Error }>((resolve) => {
    child.once("error", (error) => resolve({ code: null, error }));
    child.once("close", (code) => resolve({ code }));
  });
  // A program that ends before it has read says so by its code.
  child.stdin.once("error", () => {});
  child.stdin.end(JSON.stringify(definitions));
  const [{ code, error }, said, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  signal.throwIfAborted();
  if (code === 0) return answer.parse(JSON.parse(said));
  const line = complaint.split("\n").find((one) => /^\w*Error\b.*: /.test(one)) ?? complaint.trim().split("\n")[0] ?? "";
  return { reason: error?.message ?? (line === "" ? `its compiler ended with ${code ?? "a signal"}` : line) };
}
