import { existsSync, lstatSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Command } from "./isolation.ts";
import { mountOptions, mountsBelow, readMounts } from "./mount-table.ts";

/** How this system isolates: found by trying, in isolation.ts. */
export interface IsolationWay {
  /** The mounts are made by root, and the program runs as `nobody`; else all of it happens in a user namespace. */
  drop: boolean;
  userNamespace: boolean;
  /** A user namespace of the program's own, in which it can make no other. */
  sealed: boolean;
}

/** All that a program can see: the system's programs and libraries, what is named here, and a place to write. */
export interface PrivateTree {
  /** An empty folder of ours. What is mounted there is visible inside alone. */
  mountPoint: string;
  /** Files and folders that appear in its working directory, to be read. */
  inputs: string[];
  /** Files and folders that appear where they are, to be read. */
  sees: string[];
  /** Room for all that it writes, wherever: working directory, /tmp and /dev/shm are one file system in memory. */
  outputBytes: number;
}

/** The program's working directory inside. */
export const workingDirectory = "/job";

/** `nobody` of Linux: owns nothing. */
const nobody = 65534;
/** Beyond the limit, so that whoever passes it is seen to have done so before the kernel stops him. */
const slackBytes = 16 << 20;
const mostFiles = 10_000;
const systemFolders = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
const systemFiles = [
  "/usr",
  "/nix/store",
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/alternatives",
  "/etc/localtime",
  "/sys/devices/system/cpu",
  "/sys/devices/system/node",
];
const devices = ["null", "zero", "full", "random", "urandom"].map((name) => `/dev/${name}`);
/** One file system in memory of limited size, and what its parts are inside. */
const scratch = ".scratch";
const writable = { [workingDirectory]: `${scratch}/job`, "/tmp": `${scratch}/tmp`, "/dev/shm": `${scratch}/shm` };
const readOnly = "ro,nosuid,nodev";

/**
 * `inner` in namespaces of its own, before a root file system that holds nothing but `tree`. File descriptor 3 is
 * the gate: it says `ready` when all stands, and the program starts when a line comes back. When the process
 * ends, whatever the program forked is dead, and what it wrote is gone unless somebody holds its folder open.
 */
export async function isolatedCommand(way: IsolationWay, tree: PrivateTree, inner: Command): Promise<Command> {
  const script = [await mountScript(tree), startScript(way)].join("\n");
  return {
    command: "setpriv",
    args: [
      // The kernel kills it when we are killed.
      "--pdeathsig",
      "KILL",
      "unshare",
      ...(way.userNamespace ? ["--map-root-user"] : []),
      "--mount",
      "--net",
      "--ipc",
      "--pid",
      "--fork",
      "--kill-child=KILL",
      "/bin/sh",
      "-euc",
      script,
      "sh",
      inner.command,
      ...inner.args,
    ],
  };
}

/** Builds the tree below the mount point and makes it the root. */
async function mountScript({ mountPoint: root, inputs, sees, outputBytes }: PrivateTree): Promise<string> {
  const mounts = await readMounts();
  const links = systemFolders.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true);
  const shown = outermost([...systemFiles, ...systemFolders.filter((path) => !links.includes(path)), ...sees]);
  const places: Place[] = [
    ...shown.filter((path) => existsSync(path)).map((path) => ({ from: path, to: path })),
    ...inputs.map((path) => ({ from: path, to: `${workingDirectory}/${basename(path)}` })),
  ];
  const files = places.filter(({ from }) => !statSync(from).isDirectory());
  const folders = places.map((place) => (files.includes(place) ? dirname(place.to) : place.to));
  const submounts = places.flatMap(({ from, to }) =>
    mountsBelow(mounts, from).map(({ path, options }) => ({ at: root + to + path.slice(from.length), options })),
  );
  return [
    "outside=$PATH; PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH; umask 022",
    `mount -t tmpfs -o mode=0755,size=4m,nr_inodes=20k,nosuid root ${quote(root)}; cd ${quote(root)}; mkdir ${scratch}`,
    `mount -t tmpfs -o size=${outputBytes + slackBytes},nr_inodes=${mostFiles},mode=0755,nosuid,nodev scratch ${scratch}`,
    `mkdir -m 1777 ${words(Object.values(writable))}`,
    `mkdir -p .old etc proc sys dev ${words([...Object.keys(writable), ...folders].map(placeToMake))}`,
    // The shell makes a file itself, for which a program would take 2 ms.
    `for file in ${words([...devices, ...files.map(({ to }) => to)].map(placeToMake))}; do : > "$file"; done`,
    "cp -P /dev/fd /dev/stdin /dev/stdout /dev/stderr dev",
    ...(links.length === 0 ? [] : [`cp -P ${words(links)} .`]),
    `echo 'nobody:x:${nobody}:${nobody}:nobody:${workingDirectory}:/bin/sh' > etc/passwd; echo 'nogroup:x:${nobody}:' > etc/group`,
    mountAll([
      ...Object.entries(writable).map(([path, part]) => [`${root}/${part}`, root + path, "none", "bind"]),
      ["proc", `${root}/proc`, "proc", "nosuid,nodev,noexec"],
      ...devices.map((path) => [path, root + path, "none", "bind"]),
      ...places.map(({ from, to }) => [from, root + to, "none", `rbind,${readOnly}${mountOptions(mounts, from)}`]),
    ]),
    ...submounts.map(({ at, options }) => `mount -o remount,bind,${readOnly}${options} ${quote(at)}`),
    `pivot_root . .old; cd /; umount -l .old ${scratch}`,
    `mount -o remount,bind,${readOnly} /; cd ${workingDirectory}`,
  ].join("\n");
}

interface Place {
  from: string;
  to: string;
}

const relative = (path: string) => path.slice(1);

/** What is mounted below a writable folder needs its mount point there, before that folder itself is mounted. */
function placeToMake(path: string): string {
  const above = Object.entries(writable).find(([folder]) => path.startsWith(`${folder}/`));
  return above === undefined ? relative(path) : above[1] + path.slice(above[0].length);
}

/** One process for all mounts: with one each it took 200 ms instead of 50 to start. */
function mountAll(lines: string[][]): string {
  const table = lines.map((fields) => fields.map(fstabField).join(" ")).join("\n");
  return `printf '%s\\n' ${quote(table)} > etc/fstab; mount -a -T etc/fstab; : > etc/fstab`;
}

/** In the shell that stands in the tree: opens the gate, gives up every right, runs the program. */
function startScript({ drop, sealed }: IsolationWay): string {
  const asNobody = `--reuid=${nobody} --regid=${nobody} --clear-groups`;
  const noRights = "--no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all --pdeathsig KILL";
  // A shell as the namespace's first process: that one ignores its own signals, which a program must not.
  const program = `/bin/sh -c 'PATH=$0; export PATH; "$@"; exit $?' "$outside" "$@"`;
  const gate = "echo ready >&3; read -r go <&3; exec 3>&-";
  if (!sealed) return `${gate}\nexec setpriv ${drop ? asNobody : ""} ${noRights} ${program}`;
  const seal = ["echo 0 > /proc/sys/user/max_user_namespaces", `outside=$0; exec setpriv ${noRights} ${program}`].join("\n");
  const namespace = `unshare --user --map-user=${nobody} --map-group=${nobody} --keep-caps /bin/sh -euc ${quote(seal)} "$outside" "$@"`;
  return `${gate}\nexec ${drop ? `setpriv ${asNobody} ` : ""}${namespace}`;
}

/** Those that lie in no other. */
function outermost(paths: string[]): string[] {
  const all = [...new Set(paths)];
  return all.filter((path) => !all.some((other) => path.startsWith(`${other}/`)));
}

function words(paths: string[]): string {
  return [...new Set(paths)].map(quote).join(" ");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** White space and backslashes as octal numbers, see fstab(5). */
function fstabField(text: string): string {
  return text.replaceAll(/[\s\\]/g, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
