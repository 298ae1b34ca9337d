import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import type { z } from "zod";
import type { predictedSchema } from "../../domain/http/predicted-view.ts";
import { isRecord } from "../../domain/loose-value.ts";
import { isStage, stages } from "../../domain/stages.ts";
import { didYouMean } from "../../domain/suggestion.ts";
import { collect, connect, say, segment } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { table } from "../output.ts";

export function addUseCommands(program: Command, context: Context): void {
  program
    .command("logs")
    .description("what the stages of a release wrote")
    .argument("<release>")
    .option("--stage <stage>", "one stage alone")
    .option("--tail <lines>", "the end alone")
    .action(async (release: string, { stage, tail }: { stage?: string; tail?: string }, command: Command) => {
      if (stage !== undefined && !isStage(stage))
        throw new CliError(exitCodes.badInput, `\`${stage}\` is no stage.${didYouMean(stage, stages)}`);
      const query = new URLSearchParams({
        ...(stage === undefined ? {} : { stage }),
        ...(tail === undefined ? {} : { tail }),
      }).toString();
      const api = await connect(command, context);
      const log = await api.text(`/api/releases/${segment(release)}/logs${query === "" ? "" : `?${query}`}`);
      say(command, context, { body: { release, log }, words: () => log.trimEnd() });
    });
  program
    .command("predict")
    .description("ask the champion; instances are JSON objects of the request columns")
    .argument("<model>")
    .option("--instance <json>", "one instance; may be given again", collect, [])
    .option("--file <path>", "instances in a JSON file: an object, a list, or { instances }; `-` reads the standard input")
    .option("--environment <name>", "the slot", "production")
    .action(async (model: string, options: { instance: string[]; file?: string; environment: string }, command: Command) =>
      predict(model, { options, command, context }),
    );
}

interface Asking {
  options: { instance: string[]; file?: string; environment: string };
  command: Command;
  context: Context;
}

async function predict(model: string, { options, command, context }: Asking): Promise<void> {
  const fromFile = options.file === undefined ? [] : instancesIn(await readInput(options.file), options.file);
  const instances = [...options.instance.flatMap((one) => instancesIn(one, "--instance")), ...fromFile];
  if (instances.length === 0) throw new CliError(exitCodes.badInput, "There is nothing to predict: give --instance or --file.");
  const api = await connect(command, context);
  const path = `/api/models/${segment(model)}/predictions?environment=${encodeURIComponent(options.environment)}`;
  const { body } = await api.send<z.output<typeof predictedSchema>>(path, { instances });
  say(command, context, {
    body,
    words: ({ version, predictions }) =>
      `${version} says:\n${table(
        context.output,
        predictions.map((one) => [one.label ?? String(one.value), one.probability?.toFixed(4) ?? "", one.id]),
      )}`,
  });
}

function instancesIn(written: string, from: string): Record<string, unknown>[] {
  let value: unknown;
  try {
    value = JSON.parse(written);
  } catch (error) {
    throw new CliError(exitCodes.badInput, `${from} holds no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const list = isRecord(value) && Array.isArray(value["instances"]) ? value["instances"] : Array.isArray(value) ? value : [value];
  const instances = list.filter(isRecord);
  if (instances.length !== list.length)
    throw new CliError(exitCodes.badInput, `${from} must hold objects of the request columns.`);
  return instances;
}

async function readInput(path: string): Promise<string> {
  try {
    return path === "-" ? await text(process.stdin) : await readFile(path, "utf8");
  } catch (error) {
    throw new CliError(exitCodes.badInput, `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
