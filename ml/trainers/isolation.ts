import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { isAbsolute } from "node:path";
import { promisify } from "node:util";

export interface Command {
  command: string;
  args: string[];
}

export interface Isolation {
  /** What stands before the command. */
  wrap(command: Command): Command;
  /** The user that the command runs as, when it is not ours: it must own its folder. */
  user: number | null;
  /** In words, for the log. */
  description: string;
}

/** `nobody` of Linux: owns nothing, and nothing that we write readable by its owner alone. */
const nobody = 65534;

interface Level {
  description: string;
  user: number | null;
  words: string[];
}

const noPrivileges = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"];
const dieWithUs = ["setpriv", "--pdeathsig", "KILL"];

/**
 * How far this system can lock a foreign program away, best first. In its own namespaces of network
 * and processes it reaches no port, sees no other process, and whatever it forks, however it
 * detaches itself, dies with the namespace's first process. The kernel kills it when we are killed.
 */
function levels(hidden: string[]): Level[] {
  if (process.platform !== "linux") return [];
  const asRoot = process.getuid?.() === 0;
  const namespaces = [
    ...dieWithUs,
    "unshare",
    ...(asRoot ? [] : ["--map-root-user"]),
    "--net",
    "--pid",
    "--fork",
    "--kill-child=KILL",
    "--mount-proc",
  ];
  const inside = hidden.length === 0 ? [] : ["sh", "-c", `${hidden.map(hideCommand).join(" && ")} && exec "$@"`, "sh"];
  const asNobody = [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
  // A shell as the namespace's first process: that one ignores its own signals, which a trainer must not.
  const init = ["sh", "-c", '"$@"; exit $?', "sh"];
  const own = {
    description: "no network, no other processes in sight",
    user: null,
    words: [...namespaces, ...inside, "setpriv", ...noPrivileges, "--pdeathsig", "KILL", ...init],
  };
  if (!asRoot)
    return [
      own,
      {
        description: "dies with the worker; network and user are the worker's",
        user: null,
        words: dieWithUs,
      },
    ];
  return [
    {
      description: `${own.description}, user nobody`,
      user: nobody,
      words: [...namespaces, ...inside, "setpriv", ...asNobody, ...noPrivileges, "--pdeathsig", "KILL", ...init],
    },
    own,
    {
      description: "user nobody; network is the worker's",
      user: nobody,
      words: ["setpriv", ...asNobody, ...noPrivileges, "--pdeathsig", "KILL"],
    },
    {
      description: "dies with the worker; network and user are the worker's",
      user: null,
      words: dieWithUs,
    },
  ];
}

/** Covers a folder by an empty one, a file by nothing. */
function hideCommand(path: string): string {
  const quoted = `'${path.replaceAll("'", String.raw`'\''`)}'`;
  return statSync(path).isDirectory() ? `mount -t tmpfs -o size=4k,mode=0755 none ${quoted}` : `mount --bind /dev/null ${quoted}`;
}

/** A probe takes 20 ms on an idle machine. */
const probeMs = 30_000;
const found = new Map<string, Promise<Isolation>>();

/**
 * The best isolation under which `command` can still be read and started, tried once for each
 * command. Rejects when the machine is too busy to try. `hidden`: files and folders that it must not see, where the system can hide them.
 */
export function isolationFor(command: Command, hidden: string[] = []): Promise<Isolation> {
  // What is not there yet cannot be covered; when it has appeared, the search is made again.
  const present = hidden.filter((path) => statSync(path, { throwIfNoEntry: false }) !== undefined);
  const key = JSON.stringify([command, present]);
  const known = found.get(key);
  if (known !== undefined) return known;
  const search = findIsolation(command, present);
  found.set(key, search);
  search.catch(() => found.delete(key));
  return search;
}

async function findIsolation({ command, args }: Command, hidden: string[]): Promise<Isolation> {
  const files = [command, ...args].filter((word) => isAbsolute(word));
  for (const { description, user, words } of levels(hidden)) {
    const wrap = (inner: Command): Command => ({
      command: words[0]!,
      args: [...words.slice(1), inner.command, ...inner.args],
    });
    const probe = wrap({
      command: "sh",
      args: ["-c", 'command -v "$0" >/dev/null && for file; do test -r "$file" || exit 1; done', command, ...files],
    });
    try {
      await promisify(execFile)(probe.command, probe.args, { timeout: probeMs, cwd: "/" });
      return { wrap, user, description };
    } catch (error) {
      // A machine that is too busy to answer must not lead to less isolation: this attempt fails instead.
      if (error instanceof Error && "killed" in error && error.killed === true)
        throw new Error(`Trying the isolation took longer than ${probeMs / 1000} s.`, { cause: error });
      // This system does not allow it, or the user could not read the program: the next level.
    }
  }
  return {
    wrap: (inner) => inner,
    user: null,
    description: "not isolated: this system offers no way",
  };
}
