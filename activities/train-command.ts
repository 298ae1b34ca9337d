import { join } from "node:path";
import { CountersignError } from "../domain/errors.ts";
import type { LocalRoot } from "../files/local-root.ts";
import type { StageTools } from "../ml/stage-tools.ts";
import { type CodeFolder, readCodeFolder } from "../ml/trainers/code-folder.ts";
import { seeInstallation, type Sight } from "../ml/trainers/installation.ts";
import type { Command } from "../ml/trainers/isolation.ts";
import { type PythonEnvironments, pythonTrainers } from "../ml/trainers/python-environment.ts";
import type { TrainDefinition } from "../domain/train-schema.ts";

export interface CommandDependencies {
  /** Trainers that a worker brings along, by name; they come before all others. */
  trainers: Record<string, Command>;
  /** Makes the environment of the Python trainers; absent where a worker has none. */
  python?: PythonEnvironments | undefined;
  /** Below it lie the files of commands and the models from elsewhere. */
  trainersRoot?: LocalRoot | undefined;
  sight: Sight;
}

export interface TrainerCommand {
  command: Command;
  code: CodeFolder | null;
  /** What the engine itself knows of the surroundings, for the record. */
  environment: Record<string, string>;
  /** Other people's code: neither ours nor locked by hash. */
  foreign: boolean;
}

const pythonMains: Partial<Record<string, string>> = {
  lightgbm: "lightgbm_trainer.py",
  "scikit-learn": "scikit_learn_trainer.py",
};

/** The program that a definition asks for. Throws `trainer-failed` and `trainer-environment`. */
export async function commandOf(
  { trainers, python, trainersRoot, sight }: CommandDependencies,
  train: TrainDefinition,
  tools: StageTools & {
    /** The command's own files as they were recorded, instead of those that lie below the trainers' root now. */
    code?: CodeFolder | null | undefined;
  },
): Promise<TrainerCommand> {
  const known = trainers[train.trainer];
  if (known !== undefined) return { command: known, code: null, environment: {}, foreign: false };
  const main = pythonMains[train.trainer];
  const ofCommand = train.trainer === "command" ? train.command : undefined;
  if (main === undefined && ofCommand === undefined) throw unknownTrainer(train.trainer, trainers);
  const { code = await presentCode(trainersRoot, train) } = tools;
  const codeFacts: Record<string, string> = code === null ? {} : { "trainer files": code.digest };
  const foreign = ofCommand !== undefined;
  const words = ofCommand ?? ["{python}", "-B", join(pythonTrainers, main ?? "")];
  if (!words.includes("{python}"))
    return { command: await seeInstallation(split(words), sight), code, environment: codeFacts, foreign };
  if (python === undefined) throw unknownTrainer(train.trainer, trainers);
  const made = await python.prepare(tools);
  const command = split(words.map((word) => (word === "{python}" ? made.python : word)));
  return {
    command: await seeInstallation({ ...command, sees: [...made.sees, pythonTrainers] }, sight),
    code,
    foreign,
    environment: { "python lock": made.lock, "python packages": made.installed, ...codeFacts },
  };
}

async function presentCode(root: LocalRoot | undefined, { files }: TrainDefinition): Promise<CodeFolder | null> {
  if (files === undefined) return null;
  if (root !== undefined) return readCodeFolder(root, files);
  throw new CountersignError(
    "trainer-failed",
    `train.files: ${files} cannot be read: this worker has no trainers' root (COUNTERSIGN_TRAINERS_ROOT).`,
  );
}

function split([command = "", ...args]: string[]): Command {
  return { command, args };
}

function unknownTrainer(name: string, trainers: Record<string, Command>): CountersignError {
  return new CountersignError(
    "trainer-failed",
    `This worker has no trainer "${name}"; it has ${Object.keys(trainers).join(", ") || "none"}.`,
  );
}
