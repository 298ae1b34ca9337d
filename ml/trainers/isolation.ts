import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runBounded } from "./bounded-process.ts";
import { type IsolationWay, isolatedCommand, type PrivateTree } from "./private-tree.ts";

export interface Command {
  command: string;
  args: string[];
  /** Files and folders that it needs besides the system's own; read-only to it where it runs isolated. */
  sees?: string[];
}

/** What this system can do to lock a foreign program away. */
export type Isolation = { way: IsolationWay; description: string } | { way: null; reason: string; description: string };

/** A probe takes 60 ms on an idle machine. */
const probeMs = 30_000;
/** In order of preference: sealed, a program cannot make namespaces in which it would be root again. */
const waysOfRoot: IsolationWay[] = [
  { drop: true, userNamespace: false, sealed: true },
  { drop: true, userNamespace: false, sealed: false },
  { drop: false, userNamespace: true, sealed: true },
  { drop: false, userNamespace: true, sealed: false },
];
const waysOfOthers = waysOfRoot.filter(({ userNamespace }) => userNamespace);

/** Run inside, with what it means when one fails: the programs that set it up may leave a thing undone without a word. */
const promises = [
  ['test "$(ls -d /proc/[0-9]* | wc -l)" -le 9', "it saw the machine's processes"],
  ['test "$(grep -c : /proc/net/dev)" -le 1', "it had a network"],
  ['test "$(grep -c "^Cap[IPEA].*0000000000000000$" /proc/self/status)" = 4', "it had capabilities"],
  ['grep -q "^NoNewPrivs:.1$" /proc/self/status', "it could gain privileges"],
  ["! (: > /usr/.countersign) 2> /dev/null", "it could write to /usr"],
  ["! unshare --user true 2> /dev/null", "it could make namespaces of its own"],
  ["test ! -e /home && test ! -e /root && test ! -e /var", "it saw the machine's files"],
  [": > /tmp/a && : > /dev/shm/a && : > a", "it could not write to its own folders"],
].map(([check, fault]) => `{ ${check}; } || { echo "${fault}"; exit 1; }`);

let found: Promise<Isolation> | null = null;

/**
 * The best isolation of this system, tried once; where there is none, it is looked for again each time, because
 * what was in the way may pass. Rejects when the machine is too busy to try.
 */
export function findIsolation(): Promise<Isolation> {
  found ??= search().then(
    (isolation) => {
      if (isolation.way === null) found = null;
      return isolation;
    },
    (error: unknown) => {
      found = null;
      throw error;
    },
  );
  return found;
}

async function search(): Promise<Isolation> {
  if (process.platform !== "linux") return none(`${process.platform} offers no namespaces`);
  const faults: string[] = [];
  const folder = await mkdtemp(join(tmpdir(), "countersign-isolation-"));
  try {
    await chmod(folder, 0o700);
    for (const way of process.getuid?.() === 0 ? waysOfRoot : waysOfOthers) {
      const fault = await probe(way, { mountPoint: folder, inputs: [], sees: [], outputBytes: 1 << 20 });
      if (fault === null)
        return { way, description: "isolated: no network, no other processes, a file tree of its own, user nobody" };
      faults.push(fault);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return none(faults.at(-1) ?? "");
}

function none(reason: string): Isolation {
  return { way: null, reason, description: `not isolated: ${reason}` };
}

/** Null where a program runs in there and everything holds; else what was in the way. */
async function probe(way: IsolationWay, tree: PrivateTree): Promise<string | null> {
  const end = await runBounded({
    ...(await isolatedCommand(way, tree, { command: "/bin/sh", args: ["-c", promises.join("\n")] })),
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    limits: { wallMs: probeMs, memoryBytes: 1 << 30, outputBytes: 1 << 20 },
    signal: new AbortController().signal,
    onGate: () => Promise.resolve(),
  }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  });
  if (end === null) return "setpriv is not installed (util-linux)";
  // A machine that is too busy to answer must not lead to less isolation: this attempt fails instead.
  if (end.stoppedBy !== null) throw new Error(`Trying the isolation was ended at its limit of ${end.stoppedBy}.`);
  if (end.code === 0 && end.began) return null;
  return end.log.trim().split("\n").at(-1)?.slice(0, 200) || "a program did not start inside";
}
