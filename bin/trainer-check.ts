import { mkdtemp, rm } from "node:fs/promises";
import { existsSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { builtInTrainers } from "../activities/train-process.ts";
import { tasks } from "../domain/task.ts";
import { installationOf, seeInstallation } from "../ml/trainers/installation.ts";
import { checkBehaviour, checkIsolation, checkTask, type Point } from "./trainer-check/points.ts";

/**
 * Whether a trainer keeps the contract of docs/trainers.md, point by point, on small made data:
 * `npm run trainer:check -- python my_trainer.py` (or `baseline`). Exit code 1 when a point is broken.
 */
const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  process.stderr.write(
    "Usage: npm run trainer:check -- <command> [arguments]   (a trainer of the contract of docs/trainers.md)\n",
  );
  process.exit(2);
}
const folder = await mkdtemp(join(tmpdir(), "countersign-trainer-check-"));
// It runs in a job folder: what was named from here is named whole.
const whole = (word: string) => (existsSync(word) ? resolve(word) : word);
// Isolated, it sees the folder that each lies in besides the program's own installation; in a release that would be `files`.
const files = [command, ...args].filter((word) => word.includes("/") || existsSync(word)).map((word) => dirname(resolve(word)));
const program = existsSync(command) ? [resolve(command), realpathSync(command)] : [];
const installed = program.flatMap((path) => installationOf(path, { paths: [], never: [] }));
const sight = { paths: [...files, ...installed], never: [] };
const points: Point[] = [];
try {
  const given = { command: whole(command), args: args.map(whole), sees: [] };
  const checked = { command: builtInTrainers[command] ?? (await seeInstallation(given, sight)), folder };
  points.push(await checkIsolation());
  for (const task of tasks) points.push(...(await checkTask(checked, task)));
  points.push(...(await checkBehaviour(checked)));
} finally {
  await rm(folder, { recursive: true, force: true });
}
const signs = { kept: "✓", broken: "✗", "not offered": "–" };
for (const { name, outcome, said } of points)
  process.stdout.write(`${signs[outcome]} ${name}${said === "" ? "" : `: ${said}`}\n`);
const broken = points.filter(({ outcome }) => outcome === "broken").length;
process.stdout.write(
  broken === 0 ? "The contract is kept.\n" : `${broken} ${broken === 1 ? "point is" : "points are"} broken.\n`,
);
process.exitCode = broken === 0 ? 0 : 1;
