import { existsSync, statSync } from "node:fs";
import { access, constants, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, delimiter, dirname, isAbsolute, join, sep } from "node:path";
import { CountersignError } from "../../domain/errors.ts";
import type { Command } from "./isolation.ts";

/** Operators say which folders trainers may see besides the system's; definitions cannot. */
export interface Sight {
  /** Folders that trainers may read. */
  paths: string[];
  /** What no folder that is shown by itself may hold or lie in: the instance's home, artifacts, the checkout. */
  never: string[];
}

const ofSystem = ["/usr", "/bin", "/sbin", "/nix/store"];
const liesIn = (path: string, folder: string) => path === folder || path.startsWith(folder + sep);

/**
 * The program of a definition, with what it must see to start. A bare name is looked up on PATH, which is the
 * operator's: its installation is shown too. A path is the definition's word: it must lie where trainers see
 * it anyway, else naming `<home>/bin/x` would show the home. Throws `trainer-failed`.
 */
export async function seeInstallation({ command, args, sees = [] }: Command, sight: Sight): Promise<Command> {
  const shown = [...sees, ...sight.paths];
  // Of the job folder: `trainer/run.sh`.
  if (command.includes("/") && !isAbsolute(command)) return { command, args, sees: shown };
  if (isAbsolute(command)) {
    const real = await realpath(command).catch(() => null);
    const isSeen = [command, real ?? command].every((path) => [...ofSystem, ...shown].some((folder) => liesIn(path, folder)));
    if (real !== null && isSeen) return { command, args, sees: shown };
    throw refused(command, real === null ? "is not there" : "lies where trainers do not see it");
  }
  const found = await onPath(command);
  if (found === null) throw refused(command, "is not on the PATH of the training worker");
  const real = await realpath(found);
  // A virtual environment is known by the path through which its interpreter is called.
  const called = existsSync(join(dirname(dirname(found)), "pyvenv.cfg")) ? found : real;
  return { command: called, args, sees: [...shown, ...installationOf(called, sight), ...installationOf(real, sight)] };
}

/** The folder above `bin`, where that is no more than the program's own; else the program alone. */
export function installationOf(program: string, { never }: Sight): string[] {
  if (ofSystem.some((folder) => liesIn(program, folder))) return [];
  const folder = dirname(program);
  const above = dirname(folder);
  const isWide = above === "/" || [homedir(), join(homedir(), ".local")].some((path) => liesIn(path, above));
  const isSecret = never.some((path) => liesIn(path, above) || liesIn(above, path));
  return basename(folder) === "bin" && !isWide && !isSecret ? [above] : [program];
}

async function onPath(name: string): Promise<string | null> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter).filter(isAbsolute)) {
    const path = join(folder, name);
    const isProgram = await access(path, constants.X_OK).then(
      () => statSync(path).isFile(),
      () => false,
    );
    if (isProgram) return path;
  }
  return null;
}

function refused(command: string, cause: string): CountersignError {
  const message = `${command} ${cause}. Put it into \`files\`, install it for the system, or have the operator name its folder in COUNTERSIGN_TRAINER_PATHS of the training worker`;
  return new CountersignError("trainer-failed", `train.command: ${message}.`, { faults: [{ path: "train.command", message }] });
}
