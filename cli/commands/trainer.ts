import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";

/** It runs trainers, for which this room has no means: a program of its own. */
const checker = fileURLToPath(new URL("../../bin/trainer-check.ts", import.meta.url));

export function addTrainerCommands(program: Command, context: Context): void {
  const trainer = program.command("trainer").description("trainers of one's own");
  trainer
    .command("check")
    .description("whether a trainer keeps the contract of files, point by point, on small made data; here, without an instance")
    .argument("<command...>", "the program and its arguments; or `baseline`")
    .addHelpText("after", "\nOptions of the trainer stand after --. Exit code 1 when a point is broken.")
    .action(async (words: string[]) => {
      const child = spawn(process.execPath, [checker, ...words], { stdio: ["ignore", "pipe", "pipe"], cwd: context.cwd });
      let errors = "";
      child.stdout.on("data", (chunk: Buffer) => context.output.out(chunk.toString("utf8").trimEnd()));
      child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString("utf8")));
      context.signal.addEventListener("abort", () => child.kill(), { once: true });
      const [code] = (await once(child, "close")) as [number | null];
      if (code === 0 || code === 1) return context.exit(code);
      throw new CliError(exitCodes.refused, `The check could not be made: ${errors.trim() || "it was ended"}.`);
    });
}
