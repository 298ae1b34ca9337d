import type { Command } from "commander";
import { digestOf } from "../../domain/digest.ts";
import type { GateView, ReceiptView } from "../../domain/http/gate-views.ts";
import type { DecisionKind } from "../../domain/gate.ts";
import { isStage, stages } from "../../domain/stages.ts";
import { didYouMean, listed } from "../../domain/suggestion.ts";
import { collect, connect, segment, wantsJson } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { gateInWords } from "../gate-text.ts";
import { paint } from "../output.ts";
import { readInputs, readParameters } from "../parameters.ts";

interface Options {
  reason?: string;
  digest?: string;
  input?: string[];
  set?: string[];
  returnTo?: string;
}

export function addDecisionCommands(program: Command, context: Context): void {
  const begin = (name: DecisionKind, description: string) =>
    program
      .command(name)
      .description(description)
      .argument("<gate>")
      .option("--digest <digest>", "decide only if the request is still this one")
      .action(async (gate: string, options: Options, command: Command) =>
        decide(gate, { decision: name, options, command, context }),
      );

  begin("approve", "approve what a gate asks; shows it first")
    .option("--reason <why>", "kept on record")
    .option("--input <name=value>", "an input that the policy asks for", collect, []);
  begin("reject", "reject what a gate asks").requiredOption("--reason <why>", "kept on record");
  begin("request-changes", "end this release and start its successor with the changes you ask for")
    .requiredOption("--reason <what>", "what should change")
    .option("--return-to <stage>", `the stage to go back to: ${stages.join(", ")}`)
    .option(
      "--set <name=value>",
      "what the next release should change: until, months, seed, train.<name>, limits.<name>",
      collect,
      [],
    );
}

interface Attempt {
  decision: DecisionKind;
  options: Options;
  command: Command;
  context: Context;
}

async function decide(id: string, { decision, options, command, context }: Attempt): Promise<void> {
  const { returnTo } = options;
  if (returnTo !== undefined && !isStage(returnTo))
    throw new CliError(exitCodes.badInput, `\`${returnTo}\` is no stage.${didYouMean(returnTo, stages)}`, {
      cure: `Stages are ${listed(stages, "and")}.`,
    });
  const parameters = readParameters(options.set ?? []);
  const inputs = readInputs(options.input ?? []);
  const api = await connect(command, context);
  const path = `/api/gates/${segment(id)}`;
  const gate = await api.get<GateView>(path);
  const shown = gateInWords({ ...context.output, colour: false }, gate);
  if (!wantsJson(command)) context.output.out(`${gateInWords(context.output, gate)}\n`);
  const { body } = await api.send<ReceiptView>(`${path}/decisions`, {
    decision,
    digest: options.digest ?? gate.request.digest,
    ...(wantsJson(command) ? {} : { seen: digestOf(shown) }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
    ...(returnTo === undefined ? {} : { returnTo }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
  });
  context.output.out(wantsJson(command) ? JSON.stringify(body, null, 2) : receiptInWords(body, context));
}

function receiptInWords(receipt: ReceiptView, { output }: Context): string {
  const missing = receipt.missing.length === 0 ? "" : ` Still missing: ${receipt.missing.join(", ")}.`;
  return `${paint(output, "good", receipt.receipt)}: ${receipt.message}${missing}`;
}
