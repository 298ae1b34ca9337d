import { existsSync } from "node:fs";
import { mkdir, open, readdir, statfs } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { CountersignError } from "../../domain/errors.ts";
import type { BoundedProcess, ProcessEnd } from "./bounded-process.ts";
import type { Command, Isolation } from "./isolation.ts";
import { writtenBytes } from "./job-folder.ts";
import { isolatedCommand, workingDirectory } from "./private-tree.ts";

/** Where a program works, isolated or not, and how what it wrote is reached afterwards. */
export interface Workplace {
  /** What of a bounded process depends on the place. */
  process: Pick<BoundedProcess, "command" | "args" | "cwd" | "fileBytes" | "onGate">;
  /** The program's working directory as it sees it. */
  home: string;
  /** The same folder as we see it, once it has started. */
  folder(): string;
  /** To be called when all has been read. */
  leave(): Promise<void>;
}

export interface WorkplaceInput {
  isolation: Isolation;
  command: Command;
  /** A private folder of ours that holds what the program is to read, and nothing else. */
  inputs: string;
  outputBytes: number;
}

/**
 * Isolated, the program sees the inputs in a working directory in memory, which vanishes with it, and with us; not
 * isolated, it works in the folder of inputs itself.
 */
export function makeWorkplace(input: WorkplaceInput): Promise<Workplace> {
  return input.isolation.way === null ? openWorkplace(input) : privateWorkplace(input, input.isolation.way);
}

async function privateWorkplace(
  { command, inputs, outputBytes }: WorkplaceInput,
  way: NonNullable<Isolation["way"]>,
): Promise<Workplace> {
  const names = await readdir(inputs);
  const mountPoint = join(inputs, ".root");
  await mkdir(mountPoint, { recursive: true });
  const tree = { mountPoint, inputs: names.map((name) => join(inputs, name)), sees: command.sees ?? [], outputBytes };
  let held: Awaited<ReturnType<typeof open>> | null = null;
  const folder = () => {
    if (held === null) throw new Error("The program has not started.");
    return `/proc/self/fd/${held.fd}`;
  };
  return {
    process: {
      ...(await isolatedCommand(way, tree, command)),
      cwd: "/",
      // Held open, the folder outlives the program's namespaces.
      onGate: async (pid) => {
        held = await open(`/proc/${pid}/root${workingDirectory}`);
      },
      fileBytes: async () => {
        if (held === null) return 0;
        const { blocks, bfree, bsize, ffree } = await statfs(folder());
        return ffree === 0 ? Number.POSITIVE_INFINITY : (blocks - bfree) * bsize;
      },
    },
    home: workingDirectory,
    folder,
    leave: async () => held?.close(),
  };
}

async function openWorkplace({ command, inputs }: WorkplaceInput): Promise<Workplace> {
  const before = await writtenBytes(inputs);
  return {
    process: {
      ...dyingWithUs(command),
      cwd: inputs,
      fileBytes: async () => (await writtenBytes(inputs)) - before,
    },
    home: inputs,
    folder: () => inputs,
    leave: () => Promise.resolve(),
  };
}

/** The kernel kills it when we are killed, where it can be asked to. */
function dyingWithUs({ command, args }: Command): Command {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  if (process.platform !== "linux" || !folders.some((folder) => existsSync(join(folder, "setpriv")))) return { command, args };
  return { command: "setpriv", args: ["--pdeathsig", "KILL", command, ...args] };
}

/** Throws `trainer-isolation` where what was to lock the program away ended before the program began. */
export function mustHaveBegun(end: ProcessEnd): void {
  if (end.began || end.stoppedBy !== null) return;
  const said = end.log.trim().split("\n").at(-1)?.slice(0, 300) ?? "";
  throw new CountersignError(
    "trainer-isolation",
    `The program could not be isolated, and was not started: ${said || "no cause was given"}.`,
  );
}
