import { Command, CommanderError } from "commander";
import { addBreakGlassCommand } from "./commands/break-glass.ts";
import { addContractCommands } from "./commands/contract.ts";
import { addDecisionCommands } from "./commands/decide.ts";
import { addDefinitionCommands } from "./commands/definition.ts";
import { addFindingCommands } from "./commands/findings.ts";
import { addGroupCommands } from "./commands/groups.ts";
import { addLookCommands } from "./commands/look.ts";
import { addNotifyCommands } from "./commands/notify.ts";
import { addPeopleCommands } from "./commands/people.ts";
import { addPolicyCommands } from "./commands/policy.ts";
import { addPlainCommands } from "./commands/plain.ts";
import { addReleaseCommands } from "./commands/release.ts";
import { addReproduceCommand } from "./commands/reproduce.ts";
import { addDelegationCommands, addTokenCommands } from "./commands/tokens.ts";
import { addTrainerCommands } from "./commands/trainer.ts";
import { addUseCommands } from "./commands/use.ts";
import packageFile from "../package.json" with { type: "json" };
import type { Context } from "./context.ts";
import { CliError, exitCodes } from "./exit.ts";
import { faultLines, paint, printable } from "./output.ts";

/** The `countersign` command: everything over the HTTP API, nothing around it. */
export function createProgram(context: Context): Command {
  const { output } = context;
  const program = new Command("countersign")
    .description("A model's life as a durable process, with people where they must decide.")
    .version(packageFile.version, "--version")
    .option("--json", "the API's own answer, for programs")
    .option("--as <principal>", "who acts: a seeded person of a development instance (also COUNTERSIGN_AS)")
    .option("--url <origin>", "where the API is (also COUNTERSIGN_URL; else .countersign/endpoints.json)")
    .option("--token <token>", "an API token (better: COUNTERSIGN_TOKEN, which other users of the machine do not see)")
    .addHelpText("after", "\nExit codes: 0 done · 1 refused or failed · 2 bad input · 3 not reachable · 4 not allowed")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text.trimEnd()),
      writeErr: (text) => output.err(text.trimEnd()),
    })
    .showHelpAfterError("(countersign --help tells what there is)");
  addDefinitionCommands(program, context);
  addContractCommands(program, context);
  addPolicyCommands(program, context);
  addReleaseCommands(program, context);
  addPlainCommands(program, context);
  addReproduceCommand(program, context);
  addLookCommands(program, context);
  addDecisionCommands(program, context);
  addFindingCommands(program, context);
  addUseCommands(program, context);
  addTrainerCommands(program, context);
  addPeopleCommands(program, context);
  addNotifyCommands(program, context);
  addGroupCommands(program, context);
  addTokenCommands(program, context);
  addDelegationCommands(program, context);
  addBreakGlassCommand(program, context);
  for (const command of program.commands) command.copyInheritedSettings(program);
  return program;
}

/** Runs one command line (without node and script) and gives its exit code. Never throws. */
export async function runCommandLine(words: string[], given: Omit<Context, "exit">): Promise<number> {
  const io = { ...given, output: printable(given.output) };
  let code: number = exitCodes.ok;
  const context: Context = { ...io, exit: (wanted) => (code = wanted) };
  try {
    await createProgram(context).parseAsync(words, { from: "user" });
    return code;
  } catch (error) {
    return tell(error, words.includes("--json"), io);
  }
}

function tell(error: unknown, json: boolean, { output }: Omit<Context, "exit">): number {
  // Commander has said what was wrong, or printed the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.badInput;
  if (!(error instanceof CliError)) {
    output.err(`${paint(output, "bad", "✗")} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return exitCodes.refused;
  }
  if (json) output.out(JSON.stringify(error.body, null, 2));
  const faults = error.faults.length === 0 ? "" : `${faultLines(output, error.faults)}\n`;
  output.err(`${faults}${paint(output, "bad", "✗")} ${error.message}${error.cure === null ? "" : ` ${error.cure}`}`);
  return error.exitCode;
}
