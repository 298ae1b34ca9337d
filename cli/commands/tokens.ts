import type { Command } from "commander";
import { durationMs } from "../../domain/duration-text.ts";
import type { DelegationView, TokenMadeView, TokenView } from "../../domain/http/people-views.ts";
import type { Page } from "../../domain/http/record-views.ts";
import { collect, connect, say, segment } from "../context.ts";
import type { Context } from "../context.ts";
import { CliError, exitCodes } from "../exit.ts";
import { clock, table } from "../output.ts";

export function addTokenCommands(program: Command, context: Context): void {
  const token = program.command("token").description("your tokens; for admins those of machines");
  token
    .command("list")
    .option("--for <principal>", "somebody else's, for admins")
    .action(async (options: { for?: string }, command: Command) => listTokens(options.for, command, context));
  token
    .command("create")
    .description("make a token; it is shown once")
    .requiredOption("--name <what for>")
    .option("--for <machine>", "a machine, by an admin; you, where nothing is said")
    .option("--scope <scope>", "only this; may be given again", collect, [])
    .option("--until <when>", "a day, a time, or a span such as 90d; at most a year", "90d")
    .action(async (options: { name: string; for?: string; scope: string[]; until: string }, command: Command) =>
      createToken(options, command, context),
    );
  token
    .command("revoke")
    .description("end a token at once")
    .argument("<id>")
    .action(async (id: string, _options, command: Command) => revokeToken(id, command, context));
}

export function addDelegationCommands(program: Command, context: Context): void {
  program
    .command("delegate")
    .description("let another person decide in your name for a while")
    .requiredOption("--to <principal>")
    .requiredOption("--until <when>", "a day, a time, or a span such as 14d; at most 60 days")
    .requiredOption("--reason <why>")
    .option("--model <name>", "for this model alone")
    .action(async (options: { to: string; until: string; reason: string; model?: string }, command: Command) =>
      delegate(options, command, context),
    );
  program
    .command("delegations")
    .description("who decides for whom: given by you or to you")
    .option("--all", "everybody's, for admins")
    .option("--revoke <id>", "take one back, or decline it; with --reason")
    .option("--reason <why>")
    .action(async (options: { all?: boolean; revoke?: string; reason?: string }, command: Command) =>
      options.revoke === undefined
        ? listDelegations(options.all === true, command, context)
        : revokeDelegation(options.revoke, { reason: options.reason, command, context }),
    );
}

async function listTokens(principal: string | undefined, command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  const query = principal === undefined ? "" : `&principal=${segment(principal)}`;
  say(command, context, {
    body: await api.get<Page<TokenView>>(`/api/tokens?limit=200${query}`),
    words: ({ items }) =>
      table(
        context.output,
        items.map((one) => [
          one.id,
          one.revokedAt === null ? `until ${clock(one.expiresAt)}` : `revoked ${clock(one.revokedAt)}`,
          one.scopes.join(", ") || "all scopes",
          one.name,
        ]),
      ),
  });
}

async function createToken(
  options: { name: string; for?: string; scope: string[]; until: string },
  command: Command,
  context: Context,
): Promise<void> {
  const expiresAt = momentOf(options.until);
  const api = await connect(command, context);
  const { body } = await api.send<TokenMadeView>("/api/tokens", {
    name: options.name,
    scopes: options.scope,
    expiresAt,
    ...(options.for === undefined ? {} : { principal: options.for }),
  });
  say(command, context, {
    body,
    words: ({ token, id, principal, expiresAt: until }) =>
      token === null
        ? `${id} was made, but its answer was lost: revoke it and make another.`
        : `${token}\n${id} of ${principal}, valid until ${clock(until)}. It is not shown again.`,
  });
}

async function revokeToken(id: string, command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  const { body } = await api.send<TokenView>(`/api/tokens/${segment(id)}/revoke`, {});
  say(command, context, { body, words: ({ name }) => `${id} (${name}) opens nothing any more.` });
}

async function delegate(
  options: { to: string; until: string; reason: string; model?: string },
  command: Command,
  context: Context,
): Promise<void> {
  const { to, reason, model } = options;
  const until = momentOf(options.until);
  const api = await connect(command, context);
  const { body } = await api.send<DelegationView>("/api/delegations", {
    to,
    reason,
    until,
    ...(model === undefined ? {} : { model }),
  });
  say(command, context, { body, words: delegationInWords });
}

async function listDelegations(all: boolean, command: Command, context: Context): Promise<void> {
  const api = await connect(command, context);
  say(command, context, {
    body: await api.get<Page<DelegationView>>(`/api/delegations?limit=200${all ? "&all=true" : ""}`),
    words: ({ items }) => (items.length === 0 ? "Nobody decides for anybody." : items.map(delegationInWords).join("\n")),
  });
}

function delegationInWords({ id, from, to, model, until, state, reason }: DelegationView): string {
  const where = model === null ? "on every model" : `on ${model}`;
  return `${id}  ${to} decides for ${from} ${where} until ${clock(until)}${state === "standing" ? "" : ` (${state})`}: ${reason}`;
}

async function revokeDelegation(
  id: string,
  { reason, command, context }: { reason: string | undefined; command: Command; context: Context },
): Promise<void> {
  if (reason === undefined) throw new CliError(exitCodes.badInput, "Say why: --reason.");
  const api = await connect(command, context);
  const { body } = await api.send<DelegationView>(`/api/delegations/${segment(id)}/revoke`, { reason });
  say(command, context, { body, words: delegationInWords });
}

/** `14d` from now, the end of a day in the reader's own time zone, or a time as it stands. */
function momentOf(text: string): string {
  const span = durationMs(text);
  if (span !== null) return new Date(Date.now() + span).toISOString();
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T23:59:59`) : new Date(text);
  if (!Number.isNaN(day.getTime()) && /^\d{4}-/.test(text)) return day.toISOString();
  throw new CliError(exitCodes.badInput, `\`${text}\` is no time.`, { cure: "Such as 2026-12-01, 2026-12-01T18:00:00Z or 14d." });
}
