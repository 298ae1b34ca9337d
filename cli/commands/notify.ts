import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import type { MessagesView, OwnMessagesView, TeamMessagesView } from "../../domain/http/message-views.ts";
import { collect, connect, say, segment } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { table } from "../output.ts";

/** Where people are told: Slack, e-mail, webhooks. */
export function addNotifyCommands(program: Command, context: Context): void {
  const notify = program.command("notify").description("where teams and people are told, and what could not be delivered");
  notify
    .command("show", { isDefault: true })
    .description("where messages go and how each way stands")
    .action(async (_options, command: Command) => show(command, context));
  notify
    .command("set")
    .description("where an owner team is told; what is not named stays as it is")
    .argument("<team>")
    .option("--channel <id>", "Slack's channel, such as C0123456789; `none` takes it away")
    .option("--workspace <id>", "Slack's workspace, where it is another one than the server's")
    .option("--email <address>", "may be given again: all that are told; `none` takes them away", collect, [])
    .option("--webhook <url>", "a signed webhook; its secret is made here and shown once; `none` takes it away")
    .action(async (team: string, options: SetOptions, command: Command) => set(team, { options, command, context }));
  notify
    .command("me")
    .description("be told yourself of what you may decide, or not")
    .option("--direct", "tell me")
    .option("--no-direct", "do not")
    .action(async (options: { direct?: boolean }, command: Command) => own(options.direct, command, context));
  notify
    .command("email")
    .description("the address of a person, for admins")
    .argument("<principal>")
    .argument("<address>", "`none` takes it away")
    .action(async (...[principal, address, , command]: [string, string, unknown, Command]) =>
      email(principal, { address, command, context }),
    );
}

interface SetOptions {
  channel?: string;
  workspace?: string;
  email: string[];
  webhook?: string;
}

async function show(command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  say(command, context, {
    body: await api.get<MessagesView>("/api/messages"),
    words: ({ teams, ways, counts, troubled }) =>
      [
        table(context.output, teams.map(teamRow)),
        ...ways.map(({ way, code, detail, cure }) => `${way}: ${code === "ok" ? "ok" : `${detail} ${cure}`}`),
        `${counts.done} delivered, ${counts.due} under way, ${counts.failed} given up.`,
        ...troubled.map(
          (one) => `${one.way} ${one.destination}, ${one.notice} of ${one.subject}: ${one.failure ?? ""} ${one.cure ?? ""}`,
        ),
      ]
        .filter((line) => line !== "")
        .join("\n"),
  });
}

function teamRow({ team, slack, emails, webhook }: TeamMessagesView): string[] {
  return [
    team,
    slack === null ? "no channel" : `#${slack.channel}`,
    emails.join(", ") || "no address",
    webhook?.url ?? "no webhook",
  ];
}

async function set(
  team: string,
  { options, command, context }: { options: SetOptions; command: Command; context: Context },
): Promise<void> {
  const { channel, workspace, email: addresses, webhook } = options;
  if (channel === undefined && addresses.length === 0 && webhook === undefined)
    throw new CliError(exitCodes.badInput, "Name what to set: --channel, --email or --webhook.");
  const secret = webhook === undefined || webhook === "none" ? null : `whsec_${randomBytes(32).toString("base64")}`;
  const body = {
    ...(channel !== undefined && { slack: channel === "none" ? null : { channel, ...(workspace && { team: workspace }) } }),
    ...(addresses.length > 0 && { emails: addresses.filter((address) => address !== "none") }),
    ...(webhook !== undefined && { webhook: secret === null ? null : { url: webhook, secret } }),
  };
  const api = await connect(command, context);
  say(command, context, {
    body: (await api.send<TeamMessagesView>(`/api/messages/teams/${segment(team)}`, body, { method: "PUT" })).body,
    words: (view) =>
      [teamRow(view).join("  "), ...(secret === null ? [] : [`The webhook's secret, shown this once: ${secret}`])].join("\n"),
  });
}

async function own(direct: boolean | undefined, command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  const body =
    direct === undefined
      ? await api.get<OwnMessagesView>("/api/messages/me")
      : (await api.send<OwnMessagesView>("/api/messages/me", { direct }, { method: "PUT" })).body;
  say(command, context, { body, words: ownInWords });
}

async function email(
  principal: string,
  { address, command, context }: { address: string; command: Command; context: Context },
): Promise<void> {
  const api = await connect(command, context);
  const body = { email: address === "none" ? null : address };
  say(command, context, {
    body: (await api.send<OwnMessagesView>(`/api/messages/people/${segment(principal)}`, body, { method: "PUT" })).body,
    words: ownInWords,
  });
}

function ownInWords({ principal, direct, email: address, slack }: OwnMessagesView): string {
  const who =
    slack.length === 0 ? "not linked to Slack" : `${slack.length === 1 ? "linked" : `linked ${slack.length} times`} to Slack`;
  return `${principal}: ${direct ? "told directly" : "told in channels only"}, ${address ?? "no address"}, ${who}.`;
}
