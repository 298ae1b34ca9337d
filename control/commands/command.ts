import type { z } from "zod";
import { entryOf, pathOf, type AboutOf, type RequestOf, type ValueOf } from "../../domain/commands/catalogue.ts";
import type { CountersignError } from "../../domain/errors.ts";
import type { CommandKind, CommandOf } from "../../domain/signed-command.ts";
import type { Answer, Outcome } from "../answer.ts";
import type { Caller, Sent } from "../caller.ts";
import { finishCommand, refuseOnRecord, signed, type CommandRoute } from "../command-run.ts";
import type { DefinitionSent } from "../filters.ts";
import type { ControlContext } from "../deps.ts";
import { runOnce } from "../idempotency.ts";
import { requireScope, roleRefusal } from "../read-rights.ts";
import { checkBody } from "../request-body.ts";

/** A definition or a policy comes as text; everything else as JSON that was read already. */
type SentFor<Kind extends CommandKind> = Kind extends "apply-definition" | "propose-policy" ? DefinitionSent : Sent;

/** One command of a caller; `about` as it stood in the path, unchecked. */
export interface AskedFor<Kind extends CommandKind> {
  caller: Caller;
  about: AboutOf<Kind>;
  sent: SentFor<Kind>;
}

/** What control does with one kind of command. */
export interface Command<Kind extends CommandKind> {
  /** Checks, signs, delivers, and gives the answer; also the first one again under the same key. */
  run(context: ControlContext, asked: AskedFor<Kind>): Promise<Answer<ValueOf<Kind>>>;
  /** Delivers again what was signed and not answered. */
  finish(context: ControlContext, command: CommandOf<Kind>): Promise<Outcome<ValueOf<Kind>>>;
}

/** What a command is about, once it was found. */
interface Subject {
  /** The id that audit records are about. */
  id: string;
  model: string | null;
}

interface Plan<Kind extends CommandKind, Found extends Subject> {
  kind: Kind;
  /** Throws `not-found` for what the caller may not see. */
  find(context: ControlContext, caller: Caller, about: AboutOf<Kind>): Promise<Found>;
  /** Why it can't be done now, besides the role; left out: nothing that control could know. */
  refusal?(asked: { caller: Caller; found: Found; request: RequestOf<Kind> }): CountersignError | null;
  /** What is signed. */
  body(
    asked: { caller: Caller; about: AboutOf<Kind>; request: RequestOf<Kind> },
    context: ControlContext,
  ): CommandOf<Kind>["body"] | Promise<CommandOf<Kind>["body"]>;
  /** The gate that it is about: its answer is kept for as long as that is open. */
  gate?(about: AboutOf<Kind>): string;
  finish(context: ControlContext, command: CommandOf<Kind>): Promise<Outcome<ValueOf<Kind>>>;
}

/**
 * A command in the order in which every one is taken: scope, whether the subject is there for the
 * caller, body, key, role and state, and only then control's signature. A refusal after the key is
 * on record. One that was signed before is not judged again: its workflow may have it already.
 */
export function defineCommand<Kind extends CommandKind, Found extends Subject>(plan: Plan<Kind, Found>): Command<Kind> {
  const { kind } = plan;
  const entry = entryOf(kind);
  return {
    finish: plan.finish,
    async run(context, { caller, about, sent }) {
      requireScope(caller, entry.scope);
      const found = await plan.find(context, caller, about);
      // The entry of this very kind checked it; documents have use cases of their own.
      const request = checkBody(entry.request as z.ZodType<RequestOf<Kind>>, (sent as Sent).body);
      const gate = plan.gate?.(about);
      const once = { caller, route: routeOf(kind, about), key: sent.key, body: request, ...(gate !== undefined && { gate }) };
      return runOnce<ValueOf<Kind>>(context, once, async (begun) => {
        const error = begun.signed
          ? null
          : ((entry.role && roleRefusal(caller.principal, entry.role)) ?? plan.refusal?.({ caller, found, request }) ?? null);
        if (error) return refuseOnRecord(context, { caller, kind, subject: found.id, model: found.model, error });
        const body = await plan.body({ caller, about, request }, context);
        return plan.finish(context, await signed(context, { begun, caller, body }));
      });
    },
  };
}

/** Method and path, to which keys are scoped. */
export function routeOf(kind: CommandKind, about: Record<string, string>): string {
  const { method, path } = entryOf(kind);
  return `${method.toUpperCase()} ${pathOf(path, about)}`;
}

/** `finish` of a command that goes to one workflow and whose outcome stands in `command_results`. */
export function finishBy<Kind extends CommandKind>(
  route: (command: CommandOf<Kind>) => CommandRoute<CommandOf<Kind>["body"], ValueOf<Kind>>,
): Command<Kind>["finish"] {
  return (context, command) => finishCommand<CommandOf<Kind>["body"], ValueOf<Kind>>(context, command, route(command));
}
