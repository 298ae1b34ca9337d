import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { ReproductionAskedView, ReproductionView, VersionView } from "../../domain/http/model-views.ts";
import { effectInWords, reproductionInWords } from "../../domain/reproduction-text.ts";
import { connect, say, segment, type Context, wantsJson } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { paint } from "../output.ts";

const lookEveryMs = 500;
const outageMs = 30_000;
/** A day is the longest that a training may take. */
const mostMinutes = 26 * 60;

export function addReproduceCommand(program: Command, context: Context): void {
  program
    .command("reproduce")
    .description("train a version a second time from the same data, code, parameters and seed, and compare the bytes")
    .argument("<version>", "such as flight-delays.3")
    .option("--minutes <number>", "watch no longer; it goes on all the same", "60")
    .addHelpText("after", "\nExit code 1 where the bytes are others, or it could not be trained.")
    .action(async (version: string, { minutes }: { minutes: string }, command: Command) =>
      reproduce(version, { minutes: readMinutes(minutes), command, context }),
    );
}

function readMinutes(text: string): number {
  const minutes = Number(text);
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= mostMinutes) return minutes;
  throw new CliError(exitCodes.badInput, `--minutes ${text} must be a whole number from 1 to ${mostMinutes}.`);
}

interface Watching {
  minutes: number;
  command: Command;
  context: Context;
}

async function reproduce(version: string, { minutes, command, context }: Watching): Promise<void> {
  const api = await connect(command, context);
  const path = `/api/versions/${segment(version)}`;
  const { body: asked } = await api.send<Partial<ReproductionAskedView> & { command?: string }>(`${path}/reproductions`, {});
  // Where the outcome was not known in time the answer names the command, whose id it has.
  const id = asked.reproduction ?? asked.command;
  if (!wantsJson(command)) context.output.err(`${version} is trained once more. Ctrl-C ends the watching, not the training.`);
  for (const until = Date.now() + minutes * 60_000; Date.now() < until;) {
    const { reproductions } = await api.get<VersionView>(path, outageMs);
    const found = reproductions.find((one) => one.id === id);
    if (found !== undefined && found.state !== "running") {
      say(command, context, { body: found, words: (view) => inWords(context, view) });
      if (found.state !== "same") context.exit(exitCodes.refused);
      return;
    }
    try {
      await sleep(lookEveryMs, undefined, { signal: context.signal });
    } catch {
      // Ctrl-C: the training goes on without a watcher.
      return;
    }
  }
  throw new CliError(exitCodes.refused, `${version} is not trained after ${minutes} min.`, {
    cure: "It goes on; ask again, and the one that runs answers.",
  });
}

function inWords({ output }: Context, view: ReproductionView): string {
  const mark = view.state === "same" ? paint(output, "good", "✓") : paint(output, "bad", "✗");
  const differs = view.differs.map(({ what, recorded, now }) => `  ${what}: ${recorded ?? "none"} → ${now ?? "none"}`);
  return [
    `${mark} ${reproductionInWords(view)}`,
    ...(view.state === "same" ? [`  ${view.digest ?? ""}`] : []),
    ...view.effects.map((effect) => `  ${effectInWords(effect)}`),
    ...differs,
  ].join("\n");
}
