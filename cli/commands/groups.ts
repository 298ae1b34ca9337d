import type { Command } from "commander";
import type { GroupChangedView } from "../../domain/http/people-views.ts";
import type { GroupView, Page } from "../../domain/http/record-views.ts";
import { connect, say, segment } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { table } from "../output.ts";
import { changesInWords } from "./people.ts";

export function addGroupCommands(program: Command, context: Context): void {
  const group = program.command("group").description("groups and their members");
  group.command("list").action(async (_options, command: Command) => list(command, context));
  group
    .command("add")
    .description("add members; the group is made when there is none")
    .argument("<group>")
    .argument("<principal...>")
    .option("--reason <why>")
    .action(async (name: string, who: string[], ...rest: Rest) =>
      change(name, { to: (members) => [...new Set([...members, ...who])], rest, context }),
    );
  group
    .command("remove")
    .description("remove members: from the closing of open gates on they do not count")
    .argument("<group>")
    .argument("<principal...>")
    .option("--reason <why>")
    .action(async (name: string, who: string[], ...rest: Rest) =>
      change(name, { to: (members) => withoutThem(name, members, who), rest, context }),
    );
}

async function list(command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  say(command, context, {
    body: await api.get<Page<GroupView>>("/api/groups?limit=200"),
    words: ({ items }) =>
      table(
        context.output,
        items.map((one) => [one.group, one.members.map((member) => member.principal).join(", ") || "nobody"]),
      ),
  });
}

function withoutThem(group: string, members: string[], who: string[]): string[] {
  const strangers = who.filter((one) => !members.includes(one));
  if (strangers.length > 0) throw new CliError(exitCodes.badInput, `${strangers.join(", ")} does not belong to ${group}.`);
  return members.filter((one) => !who.includes(one));
}

type Rest = [options: { reason?: string }, command: Command];

interface Change {
  to(members: string[]): string[];
  rest: Rest;
  context: Context;
}

/** Reads the members and sends what they become; that somebody changed them meanwhile is refused, not overwritten. */
async function change(group: string, { to, rest: [{ reason }, command], context }: Change): Promise<void> {
  const api = await connect(command, context);
  const path = `/api/groups/${segment(group)}`;
  const before = await membersOf(group, () => api.getTagged<{ members: { principal: string }[] }>(path));
  const members = to(before.members);
  const sent = { members, ...(reason === undefined ? {} : { reason }) };
  const more = { method: "PUT" as const, ...(before.tag === null ? {} : { ifMatch: before.tag }) };
  const { body } = await api.send<GroupChangedView>(path, sent, more);
  say(command, context, { body, words: ({ changes }) => changesInWords(context.output, changes) });
}

async function membersOf(
  group: string,
  read: () => Promise<{ body: { members: { principal: string }[] }; tag: string | null }>,
): Promise<{ members: string[]; tag: string | null }> {
  try {
    const { body, tag } = await read();
    return { members: body.members.map((one) => one.principal), tag };
  } catch (error) {
    // A group that is not there has nobody; adding makes it.
    if (error instanceof CliError && error.exitCode === exitCodes.refused && error.message.includes(`no group ${group}`))
      return { members: [], tag: null };
    throw error;
  }
}
