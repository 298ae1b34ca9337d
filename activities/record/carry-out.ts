import { CountersignError, type ErrorCode } from "../../domain/errors.ts";
import { mayDo, rolePermissions, type Principal } from "../../domain/principal.ts";
import type { CommandBody, SignedCommand } from "../../domain/signed-command.ts";
import type { Refused } from "../contract.ts";
import type { RecordDeps } from "./deps.ts";
import { readPrincipal } from "./principals.ts";
import { noteRefusedMessage } from "./refuse-message.ts";
import { isStorable } from "./storable.ts";
import { inTransaction, type Unit } from "./transaction.ts";

/** What a command is about and who may give it. */
export interface CommandRule {
  action: keyof typeof rolePermissions;
  /** The id that audit records are about. */
  subject: string;
  model: string | null;
}

export type Outcome<Result extends object> = { ok: true; result: Result } | Refused;

/**
 * Carries out one signed command, once: verifies the token, reads the person again, does the work
 * and writes `command_results`, all in one transaction. A command that comes again (also after the
 * answer was lost) gets its first answer from there, and nothing is written. Refusals are answers,
 * on record; only faults of the database throw.
 */
export async function carryOut<Body extends CommandBody, Result extends object>(
  deps: RecordDeps,
  given: { command: SignedCommand<Body>; rule: CommandRule },
  work: (unit: Unit, actor: Principal) => Promise<Outcome<Result>>,
): Promise<Outcome<Result>> {
  const { command, rule } = given;
  if (!deps.verifier.verify(command)) return refuseUnsigned(deps, given);
  return inTransaction(deps.db, async (unit) => {
    const before = await unit.trx
      .selectFrom("command_results")
      .selectAll()
      .where("command_id", "=", command.id)
      .executeTakeFirst();
    // This function wrote the row, for this same command: the result has the type that `work` gave it.
    if (before?.ok) return { ok: true, result: before.result as Result };
    if (before) return { ok: false, code: before.code ?? "internal", message: String(before.result["message"]) };
    const outcome = await decide(unit, given, work);
    if (!outcome.ok) {
      const { code, message } = outcome;
      unit.note({
        kind: "command.refused",
        actor: command.principal,
        model: rule.model,
        subject: rule.subject,
        data: { command: command.id, kind: command.body.kind, code, message },
      });
    }
    await unit.trx
      .insertInto("command_results")
      .values({
        command_id: command.id,
        kind: command.body.kind,
        ok: outcome.ok,
        code: outcome.ok ? null : outcome.code,
        result: JSON.stringify(outcome.ok ? outcome.result : { message: outcome.message }),
      })
      .execute();
    return outcome;
  });
}

async function decide<Body extends CommandBody, Result extends object>(
  unit: Unit,
  { command, rule }: { command: SignedCommand<Body>; rule: CommandRule },
  work: (unit: Unit, actor: Principal) => Promise<Outcome<Result>>,
): Promise<Outcome<Result>> {
  if (!isStorable(command))
    return refused("invalid", "The command holds characters that cannot be kept (NUL or half a surrogate pair).");
  const actor = await readPrincipal(unit.trx, command.principal);
  if (!actor) return refused("forbidden", `${command.principal} is unknown or was deactivated.`);
  if (!mayDo(actor, rule.action))
    return refused("forbidden", `${actor.id} may not do this: it needs the role ${rolePermissions[rule.action].join(" or ")}.`);
  try {
    return await work(unit, actor);
  } catch (error) {
    // A damaged artifact, say: the workflow that asked goes on, and the person is told.
    if (error instanceof CountersignError) return refused(error.code, error.message);
    throw error;
  }
}

export function refused(code: ErrorCode, message: string): Refused {
  return { ok: false, code, message };
}

/** A forged command must not use up the id of a true one: it leaves an audit record, and no result. */
async function refuseUnsigned(
  deps: RecordDeps,
  { command, rule }: { command: SignedCommand; rule: CommandRule },
): Promise<Refused> {
  const why = "It carries no valid token of Countersign.";
  await inTransaction(deps.db, (unit) =>
    noteRefusedMessage(unit, {
      subject: rule.subject,
      model: rule.model,
      message: "command",
      claimed: JSON.stringify(command ?? null),
      why,
    }),
  );
  return refused("not-signed", why);
}

/** A member of a command's body as text, before anything is known of who sent it: a forged one may have no body at all. */
export function claimed(command: SignedCommand, member: "model" | "release" | "policy" | "version"): string {
  // What comes over Temporal has whatever form the sender gave it.
  const body = (command as Partial<SignedCommand> | null)?.body as Record<string, unknown> | null | undefined;
  return String(body?.[member]);
}
