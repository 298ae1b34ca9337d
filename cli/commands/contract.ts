import { basename } from "node:path";
import type { Command } from "commander";
import { stringify } from "yaml";
import { readText as parseText } from "../../domain/definition-text.ts";
import type { SuggestionView } from "../../domain/http/contract-suggestion.ts";
import { isRecord, recordAt, textAt } from "../../domain/loose-value.ts";
import { formatOfName } from "../../domain/source-rules.ts";
import { connect, say } from "../context.ts";
import type { Context } from "../context.ts";
import { readText } from "../definition-file.ts";
import { CliError, exitCodes } from "../exit.ts";

export function addContractCommands(program: Command, context: Context): void {
  const contract = program.command("contract").description("data contracts");
  contract
    .command("suggest")
    .description("propose a contract from data, to be read before it decides anything")
    .argument("<definition or file>", "a definition (YAML or JSON), whose sources are read; or one data file below the data root")
    .addHelpText("after", "\nThe data is read by a worker, where it would be read for a release; nothing is uploaded.")
    .action(async (about: string, _options, command: Command) => suggest(about, command, context));
}

async function suggest(about: string, command: Command, context: Context): Promise<void> {
  const request = formatOfName(about) === null ? await fromDefinition(about) : fromDataFile(about);
  const api = await connect(command, context);
  const { body } = await api.send<SuggestionView>("/api/contracts/suggest", request);
  say(command, context, { body, words: ({ contract }) => stringify(contract, { lineWidth: 120 }).trimEnd() });
}

/** One source, called like the file. */
function fromDataFile(file: string): object {
  const name = basename(file)
    .replace(/\..*$/, "")
    .replaceAll(/\W+/g, "_")
    .replace(/^(?=\d)/, "t");
  const rows = name === "" ? "rows" : name;
  return { id: rows, rows, sources: { [rows]: { files: file } } };
}

/** Only `data` is looked at: the contract that the definition shall get need not be there yet. */
async function fromDefinition(file: string): Promise<object> {
  const text = await readText(file);
  if (typeof text !== "string") throw new CliError(exitCodes.badInput, `${file} ${text.fault}.`);
  const { value, faults } = parseText(text, file.endsWith(".json") ? "json" : "yaml");
  const rows = textAt(value, ["data", "rows"]);
  const sources = recordAt(value, ["data", "sources"]);
  if (faults.length > 0 || !isRecord(value) || rows === null)
    throw new CliError(exitCodes.badInput, `${file} has no data.sources and data.rows that say which data to look at.`);
  return { id: textAt(value, ["model"]) ?? rows, rows, sources };
}
