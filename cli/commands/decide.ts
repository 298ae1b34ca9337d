import type { Command } from "commander";
import type { DecisionWithdrawnView, GateView, ReceiptView } from "../../domain/http/gate-views.ts";
import type { DecisionKind } from "../../domain/gate.ts";
import { isStage, stages } from "../../domain/stages.ts";
import { didYouMean, listed } from "../../domain/suggestion.ts";
import type { ApiClient } from "../api-client.ts";
import { collect, connect, segment, wantsJson } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { gateInWords } from "../gate-text.ts";
import { paint } from "../output.ts";
import { readInputs, readParameters } from "../parameters.ts";

interface Options {
  reason?: string;
  condition?: string[];
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
      .argument("<gates...>", "one gate or several; each is answered by itself")
      .option("--digest <digest>", "decide only if the request is still this one (with one gate)")
      .action(async (gates: string[], options: Options, command: Command) =>
        decideAll(gates, { decision: name, options, command, context }),
      );

  begin("approve", "approve what a gate asks; shows it first")
    .option("--reason <why>", "kept on record")
    .option("--input <name=value>", "an input that the policy asks for", collect, [])
    .option(
      "--condition <finding@day>",
      "approve only until that day unless the finding (its id, or words) is closed by then, as 'retrain on May@2026-12-01'",
      collect,
      [],
    );
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
  begin("escalate", "ask the next group in the chain now; uses up no vote").requiredOption("--reason <why>", "kept on record");
  program
    .command("withdraw-decision")
    .description("take back your own decision, while the gate is open")
    .argument("<gate>")
    .requiredOption("--reason <why>", "kept on record")
    .action(async (gate: string, { reason }: { reason: string }, command: Command) => {
      const api = await connect(command, context);
      const { body } = await api.send<DecisionWithdrawnView>(`/api/gates/${segment(gate)}/withdrawals`, { reason });
      context.output.out(
        wantsJson(command)
          ? JSON.stringify(body, null, 2)
          : `Taken back: your decision on ${body.gate} does not count; you may decide anew.`,
      );
    });
}

/** Several gates: what one of them is refused does not keep the others from being decided on; the first refusal is the exit code. */
async function decideAll(gates: string[], attempt: Attempt): Promise<void> {
  const [only] = gates;
  if (gates.length === 1 && only !== undefined) return decide(only, attempt);
  if (attempt.options.digest !== undefined)
    throw new CliError(exitCodes.badInput, "--digest goes with one gate only.", { cure: "Leave it out, or decide one by one." });
  const refused: CliError[] = [];
  for (const gate of gates)
    await decide(gate, attempt).catch((error: unknown) => {
      if (!(error instanceof CliError)) throw error;
      attempt.context.output.err(`${paint(attempt.context.output, "bad", "✗")} ${gate}: ${error.message}`);
      refused.push(error);
    });
  const [first] = refused;
  if (first) throw new CliError(first.exitCode, `${refused.length} of ${gates.length} decisions were not taken.`, {});
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
  const conditions = (options.condition ?? []).map(conditionIn);
  const api = await connect(command, context);
  const path = `/api/gates/${segment(id)}`;
  const gate = await api.get<GateView>(path);
  const shown = gateInWords({ ...context.output, colour: false }, gate);
  if (!wantsJson(command)) context.output.out(`${gateInWords(context.output, gate)}\n`);
  const { body } = await api.send<ReceiptView>(`${path}/decisions`, {
    decision,
    digest: options.digest ?? gate.request.digest,
    ...(wantsJson(command) ? {} : { seen: await keep(api, path, shown) }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(returnTo === undefined ? {} : { returnTo }),
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
  });
  context.output.out(wantsJson(command) ? JSON.stringify(body, null, 2) : receiptInWords(body, context));
}

/** What was printed is kept, so that what was seen is what is signed. */
async function keep(api: ApiClient, path: string, text: string): Promise<string> {
  const { body } = await api.send<{ digest: string }>(`${path}/renderings`, { mediaType: "text/plain", text });
  return body.digest;
}

/** `finding@2026-12-01`; days end at midnight in UTC. */
function conditionIn(text: string): { finding: string; by: string } {
  const at = text.lastIndexOf("@");
  const day = text.slice(at + 1);
  if (at < 1 || !/^\d{4}-\d{2}-\d{2}$/.test(day) || Number.isNaN(Date.parse(day)))
    throw new CliError(exitCodes.badInput, `\`${text}\` is no condition.`, {
      cure: "Write what is to be closed and by when: 'finding@2026-12-01'.",
    });
  return { finding: text.slice(0, at), by: `${day}T23:59:59.999Z` };
}

function receiptInWords(receipt: ReceiptView, { output }: Context): string {
  // The sentence of an accepted one says it already.
  const missing =
    receipt.missing.length === 0 || receipt.receipt === "accepted" ? "" : ` Still missing: ${receipt.missing.join(", ")}.`;
  return `${paint(output, "good", receipt.receipt)}: ${receipt.message}${missing}`;
}
