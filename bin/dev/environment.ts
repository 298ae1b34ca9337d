import { dirname, delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const compileCache = join(fileURLToPath(new URL("../..", import.meta.url)), "node_modules", ".cache", "compiled");

/** What every process may know of the machine. Nothing else of our own environment is handed on. */
const handedOn = [
  "HOME",
  "USER",
  "LOGNAME",
  "TMPDIR",
  "LANG",
  "LC_ALL",
  "XDG_CACHE_HOME",
  "SYSTEMROOT",
  "SSL_CERT_FILE",
  "NODE_EXTRA_CA_CERTS",
];

/** The least that a process needs; `node` on its PATH is the Node that runs us. */
export function baseEnvironment(): Record<string, string> {
  const kept = Object.fromEntries(
    handedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  // Seven processes compile the same packages: from the second start on, in a third of the time.
  return {
    ...kept,
    NODE_COMPILE_CACHE: compileCache,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`,
  };
}

/** How often the watch looks and how long what ages is kept: for the worker that sets up their schedules. */
const ofWatch = /^COUNTERSIGN_(SWEEP_SECONDS|KEEP_[A-Z]+_DAYS)$/;
export function watchEnvironment(): Record<string, string> {
  return environmentOf(ofWatch);
}

/** What the worker of data may know besides: which hosts it may ask, and the credentials of sources. */
const ofSources = /^(COUNTERSIGN_DATA_HOSTS$|COUNTERSIGN_SOURCE_|AWS_)/;

/** For the process that reads data, and for no other: trainers run other people's code. */
export function sourceEnvironment(): Record<string, string> {
  return environmentOf(ofSources);
}

function environmentOf(names: RegExp): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (names.test(name) && value !== undefined ? [[name, value]] : [])),
  );
}
