import type { Command } from "commander";
import { commandEntries, entryOf, pathOf } from "../../domain/commands/catalogue.ts";
import type { CommandKind } from "../../domain/signed-command.ts";
import { connect, say, segment, type Context } from "../context.ts";

/** What a `{id}` in a path is called on the command line: by the word before it, `findings/{id}` is a finding. */
function argumentName(path: string, name: string): string {
  const [, before] = new RegExp(`/([a-z]+)s/\\{${name}\\}`).exec(path) ?? [];
  return before ?? name;
}

/** The commands that take a reason and nothing else, from their entries in `domain/commands/`. */
export function addPlainCommands(program: Command, context: Context): void {
  // The keys of the table of all kinds.
  for (const kind of Object.keys(commandEntries) as CommandKind[]) addPlainCommand(program, { context, kind });
}

function addPlainCommand(program: Command, { context, kind }: { context: Context; kind: CommandKind }): void {
  const { cli, path } = entryOf(kind);
  if (!cli) return;
  const names = [...path.matchAll(/\{(.+?)\}/g)].map(([, name = ""]) => name);
  const command = program.command(cli.name).description(cli.description).requiredOption("--reason <why>", cli.reason);
  for (const name of names) command.argument(`<${argumentName(path, name)}>`);
  command.action(async () => {
    const about = Object.fromEntries(names.map((name, index) => [name, command.args[index] ?? ""]));
    const { reason } = command.opts<{ reason: string }>();
    const api = await connect(command, context);
    const { body } = await api.send<unknown>(pathOf(path, about, segment), { reason });
    say(command, context, { body, words: (value) => cli.done(about, value) });
  });
}
