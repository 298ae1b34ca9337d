import type { Command } from "commander";
import type { BrokeGlassView } from "../../domain/http/model-views.ts";
import { connect, say, segment } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { paint } from "../output.ts";

interface Options {
  promote?: string;
  rollback?: true | string;
  environment: string;
  reason: string;
}

export function addBreakGlassCommand(program: Command, context: Context): void {
  program
    .command("break-glass")
    .description("promote or roll back at once, past every gate; others review it afterwards")
    .argument("<model>")
    .option("--promote <version>", "this version serves, evaluated or not")
    .option("--rollback [version]", "back to the champion before, or to this version approved before")
    .option("--environment <name>", "the slot", "production")
    .requiredOption("--reason <why>", "the reviewers read it")
    .action(async (model: string, options: Options, command: Command) => breakGlass(model, { options, command, context }));
}

async function breakGlass(
  model: string,
  { options, command, context }: { options: Options; command: Command; context: Context },
): Promise<void> {
  const { promote, rollback, environment, reason } = options;
  if ((promote === undefined) === (rollback === undefined))
    throw new CliError(exitCodes.badInput, "Say what to do: --promote <version> or --rollback.");
  const version = promote ?? (typeof rollback === "string" ? rollback : null);
  const api = await connect(command, context);
  const { body } = await api.send<BrokeGlassView>(`/api/models/${segment(model)}/break-glass`, {
    action: promote === undefined ? "rollback" : "promote",
    environment,
    version,
    reason,
  });
  say(command, context, {
    body,
    words: ({ deployment, review }) =>
      `${paint(context.output, "good", "✓")} ${deployment.version} serves in ${deployment.environment} (epoch ${deployment.epoch}).\n${paint(context.output, "wait", "•")} Others review it: countersign show ${review}`,
  });
}
