import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CountersignError } from "../../domain/errors.ts";
import { installationOf } from "./installation.ts";

const run = promisify(execFile);

/** The lock: exact versions, with the hashes of every platform's wheels. */
const requirementsFile = fileURLToPath(new URL("../../python/requirements.txt", import.meta.url));
/** Where the ready-made trainers lie. */
export const pythonTrainers = fileURLToPath(new URL("../../python/trainers/", import.meta.url));

/** 340 MB from the registry: 15 s here, minutes on a slow line. */
const installMs = 20 * 60_000;
const probeMs = 30_000;
/** Wheels of all that is locked exist for these. */
const versions = { least: 11, most: 14 };
const names = ["python3.13", "python3.12", "python3.11", "python3.14", "python3", "python"];
/** What pip must know of the machine to reach its registry. */
const pipSettings = /^(PIP_.*|https?_proxy|no_proxy|ssl_cert_file|requests_ca_bundle|home|path|tmpdir|xdg_.*|systemroot)$/i;

export interface PythonEnvironment {
  /** The interpreter. */
  python: string;
  /** The folders that it lives in: the environment's, and that of the Python below it. */
  sees: string[];
  /** For the record: SHA-256 of the lock, and of what pip says is installed. */
  lock: string;
  installed: string;
}

export interface PythonEnvironments {
  /** The environment, made on first need; tells what it does. Throws `trainer-environment` with the cure. */
  prepare(tools: { progress(now: string): void; signal: AbortSignal }): Promise<PythonEnvironment>;
}

/** `folder`: where environments stay, one for each lock and Python. `python`: the interpreter to build on; else the first that fits. */
export function createPythonEnvironments({
  folder,
  python,
}: {
  folder: string;
  python?: string | undefined;
}): PythonEnvironments {
  let made: Promise<PythonEnvironment> | null = null;
  return {
    prepare: (tools) => {
      made ??= prepare({ folder, python }, tools).catch((error: unknown) => {
        made = null;
        throw error;
      });
      return made;
    },
  };
}

async function prepare(
  { folder, python: named }: { folder: string; python: string | undefined },
  { progress, signal }: Parameters<PythonEnvironments["prepare"]>[0],
): Promise<PythonEnvironment> {
  const lock = digest(await readFile(requirementsFile, "utf8"));
  const base = await findPython(named);
  const place = join(folder, digest(`${lock} ${base.path} ${base.version}`).slice(0, 16));
  const ready = join(place, "countersign.json");
  if (!existsSync(ready)) {
    const began = performance.now();
    const partial = `${place}.${process.pid}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    try {
      progress(`making a Python ${base.version} environment for the trainers (once, about 340 MB)`);
      await step("venv", [base.path, "-m", "venv", partial], signal);
      const inside = join(partial, "bin", "python");
      progress("installing LightGBM, scikit-learn and the ONNX tools, as locked");
      await step(
        "pip",
        [
          inside,
          "-m",
          "pip",
          "install",
          "--no-deps",
          "--no-compile",
          "--require-hashes",
          "--only-binary",
          ":all:",
          "-q",
          "-r",
          requirementsFile,
        ],
        signal,
      );
      progress("compiling what the trainers load");
      // Another user than ours runs them, who cannot keep what Python compiles: 2 s at every start otherwise.
      await step("import", [inside, "-c", "import lightgbm, skl2onnx, sklearn.ensemble, sklearn.pipeline, duckdb, onnx"], signal);
      const { stdout } = await run(inside, ["-m", "pip", "freeze", "--all"], { timeout: probeMs, signal });
      const seconds = Math.round((performance.now() - began) / 1000);
      await writeFile(join(partial, "countersign.json"), JSON.stringify({ lock, installed: digest(stdout), seconds }));
      await rename(partial, place).catch(async (error: unknown) => {
        // Another worker was faster.
        if (!existsSync(ready)) throw error;
        await rm(partial, { recursive: true, force: true });
      });
      progress(`the Python environment was ready after ${seconds} s`);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      throw error;
    }
  }
  // Written by the lines above.
  const { installed } = JSON.parse(await readFile(ready, "utf8")) as { installed: string };
  const python = join(place, "bin", "python");
  const sees = [place, ...installationOf(await realpath(python), { paths: [], never: [] })];
  return { python, sees, lock: `sha256:${lock}`, installed: `sha256:${installed}` };
}

async function step(what: "venv" | "pip" | "import", [command = "", ...args]: string[], signal: AbortSignal): Promise<void> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => pipSettings.test(name)));
  try {
    await run(command, args, {
      timeout: installMs,
      signal,
      env: { ...env, PIP_DISABLE_PIP_VERSION_CHECK: "1" },
      maxBuffer: 64 << 20,
    });
  } catch (error) {
    signal.throwIfAborted();
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    const cause = said.split("\n").findLast((line) => /error/i.test(line)) ?? said.split("\n").at(-1) ?? "";
    const cure = {
      venv: "Install Python's venv (on Debian and Ubuntu: apt-get install python3-venv), then retry.",
      pip: "Let the training worker reach a package registry (PIP_INDEX_URL names another than the usual), then retry.",
      import: "Look at the cause; another Python by COUNTERSIGN_PYTHON may help.",
    }[what];
    throw new CountersignError(
      "trainer-environment",
      `The Python environment of the trainers could not be made: ${cause.slice(0, 500) || "its installer failed"}. ${cure}`,
      { cause: error },
    );
  }
}

interface Interpreter {
  path: string;
  version: string;
}

/** The one that is named; else the first that fits. */
async function findPython(named: string | undefined): Promise<Interpreter> {
  const faults: string[] = [];
  for (const path of named === undefined ? candidates() : [named]) {
    const looked = await probe(path);
    if (typeof looked === "string") faults.push(looked);
    else return looked;
  }
  const looked = faults.length === 0 ? "There is none on PATH." : `${faults.join("; ")}.`;
  throw new CountersignError(
    "trainer-environment",
    `This trainer needs Python 3.${versions.least} to 3.${versions.most} with venv. ${looked} Install it (on Debian and Ubuntu: apt-get install python3 python3-venv) or name one by COUNTERSIGN_PYTHON, then retry.`,
  );
}

function candidates(): string[] {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/bin", "/usr/bin"].filter(Boolean);
  const paths = names.flatMap((name) => [...new Set(folders)].map((folder) => join(folder, name)));
  return paths.filter((path) => existsSync(path));
}

const question =
  "import ensurepip, sys, venv; print(sys.version_info[0], sys.version_info[1], sys.version_info[2], sys.executable)";

async function probe(path: string): Promise<Interpreter | string> {
  try {
    const { stdout } = await run(path, ["-I", "-c", question], { timeout: probeMs });
    const [major, minor, micro, ...rest] = stdout.trim().split(" ");
    const version = `${major}.${minor}.${micro}`;
    if (major !== "3" || Number(minor) < versions.least || Number(minor) > versions.most) return `${path} is Python ${version}`;
    return { path: await realpath(rest.join(" ")), version };
  } catch {
    return `${path} cannot run or has no venv`;
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
