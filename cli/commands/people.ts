import type { Command } from "commander";
import { stringify } from "yaml";
import type {
  PeopleAppliedView,
  PeoplePlanView,
  PeopleView,
  PrincipalChangedView,
  PrincipalView,
} from "../../domain/http/people-views.ts";
import type { Page } from "../../domain/http/record-views.ts";
import { roles } from "../../domain/principal.ts";
import type { ApiClient } from "../api-client.ts";
import { collect, connect, say, segment, wantsJson } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { paint, table, type Output } from "../output.ts";
import { broken, readPeopleFile, type ReadPeople } from "../people-file.ts";

/** People, one by one or as a file that stands in git. */
export function addPeopleCommands(program: Command, context: Context): void {
  const people = program.command("people").description("who there is, what they may do, and the file that says so");
  people
    .command("list")
    .description("people and machines")
    .action(async (_options, command: Command) => list(command, context));
  people
    .command("show")
    .argument("<id>")
    .action(async (id: string, _options, command: Command) => show(id, command, context));
  people
    .command("set")
    .description("create somebody, or change name or roles")
    .argument("<id>")
    .option("--name <name>", "how people call her")
    .option("--role <role>", `may be given again; all that she holds: ${roles.join(", ")}`, collect, [])
    .option("--no-roles", "she holds none")
    .option("--machine", "of somebody new: a machine")
    .option("--back", "she had left and is here again")
    .option("--reason <why>")
    .action(async (id: string, options: SetOptions, command: Command) => set(id, { options, command, context }));
  people
    .command("leave")
    .description("she loses groups, tokens, sessions and delegations at once")
    .argument("<id>")
    .requiredOption("--reason <why>")
    .action(async (id: string, { reason }: { reason: string }, command: Command) => leave(id, { reason, command, context }));
  people
    .command("export")
    .description("everybody and every group as the file that says so")
    .action(async (_options, command: Command) => exportFile(command, context));
  people
    .command("apply")
    .description("show what a file changes, and make it so: all of it or nothing")
    .argument("<file>", "YAML or JSON; `-` reads the standard input")
    .option("--plan", "show it only")
    .action(async (file: string, { plan }: { plan?: boolean }, command: Command) =>
      apply(file, { planOnly: plan === true, command, context }),
    );
}

interface SetOptions {
  name?: string;
  role: string[];
  roles: boolean;
  machine?: boolean;
  back?: boolean;
  reason?: string;
}

async function list(command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  say(command, context, {
    body: await api.get<Page<PrincipalView>>("/api/principals?limit=200"),
    words: ({ items }) => table(context.output, items.map(rowOf)),
  });
}

function rowOf({ principal, kind, displayName, roles: held, groups, active }: PrincipalView): string[] {
  return [principal, active ? kind : "has left", displayName, held.join(", ") || "no role", groups.join(", ")];
}

async function show(id: string, command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  const body = await api.get<PrincipalView>(`/api/principals/${segment(id)}`);
  say(command, context, { body, words: (view) => table(context.output, [rowOf(view)]) });
}

async function set(
  id: string,
  { options, command, context }: { options: SetOptions; command: Command; context: Context },
): Promise<void> {
  const { name, role, machine, back, reason } = options;
  const body = {
    ...(name === undefined ? {} : { displayName: name }),
    ...(role.length > 0 || !options.roles ? { roles: role } : {}),
    ...(machine === true ? { kind: "machine" } : {}),
    ...(back === true ? { active: true } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
  const api = await connect(command, context);
  const answer = await api.send<PrincipalChangedView>(`/api/principals/${segment(id)}`, body, { method: "PUT" });
  say(command, context, { body: answer.body, words: ({ changes }) => changesInWords(context.output, changes) });
}

async function leave(
  id: string,
  { reason, command, context }: { reason: string; command: Command; context: Context },
): Promise<void> {
  const api = await connect(command, context);
  const { body } = await api.send<PrincipalChangedView>(`/api/principals/${segment(id)}/deactivate`, { reason });
  say(command, context, { body, words: ({ changes }) => changesInWords(context.output, changes) });
}

async function exportFile(command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  const body = await api.get<PeopleView>("/api/people");
  say(command, context, { body, words: ({ file }) => stringify(file).trimEnd() });
}

interface Applying {
  planOnly: boolean;
  command: Command;
  context: Context;
}

async function apply(path: string, { planOnly, command, context }: Applying): Promise<void> {
  const read = await readPeopleFile(path);
  const { output } = context;
  const api = await connect(command, context);
  const plan = await placing(path, read, () => planned(api, read));
  if (planOnly || plan.changes.length === 0) {
    context.exit(plan.refused === null ? exitCodes.ok : exitCodes.notAllowed);
    return say(command, context, { body: plan, words: (view) => planInWords(output, view) });
  }
  if (!wantsJson(command)) output.out(planInWords(output, plan));
  // Exactly what was shown: when somebody changed anything meanwhile, nothing is applied.
  const { body } = await placing(path, read, () =>
    api.send<PeopleAppliedView>("/api/people", read.file, { method: "PUT", ifMatch: plan.state }),
  );
  say(command, context, { body, words: ({ changes }) => `${paint(output, "good", "✓")} ${changes.length} done.` });
}

async function planned(api: ApiClient, { file }: ReadPeople): Promise<PeoplePlanView> {
  return (await api.send<PeoplePlanView>("/api/people/plan", file)).body;
}

/** Faults that the server found, at the lines of the file. */
async function placing<Value>(path: string, { placed }: ReadPeople, send: () => Promise<Value>): Promise<Value> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof CliError && error.faults.length > 0)
      throw broken(
        path,
        error.faults.map(({ path: at, message }) => placed({ path: at, message })),
      );
    throw error;
  }
}

function planInWords(output: Output, { changes, refused, unnamed }: PeoplePlanView): string {
  const lines = changesInWords(output, changes);
  const others = unnamed.length === 0 ? "" : `\n${paint(output, "dim", `Not in the file: ${unnamed.join(", ")}.`)}`;
  return `${lines}${others}${refused === null ? "" : `\n${paint(output, "bad", "✗")} ${refused}`}`;
}

export function changesInWords(output: Output, changes: string[]): string {
  if (changes.length === 0) return "It is so already.";
  return changes.map((change) => `${paint(output, "wait", "•")} ${change}`).join("\n");
}
