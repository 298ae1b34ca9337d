import type { ValueOf } from "../../domain/commands/catalogue.ts";
import type { CommandKind, CommandOf, SignedCommand } from "../../domain/signed-command.ts";
import type { Answer, Outcome } from "../answer.ts";
import { decide } from "../decide.ts";
import type { ControlContext } from "../deps.ts";
import { applyDefinition } from "./apply-definition.ts";
import type { AskedFor, Command } from "./command.ts";
import { breakGlass, closeFinding, pause, resume, retire, rollback } from "./models.ts";
import { proposePolicy } from "./propose-policy.ts";
import { unblock, withdrawRelease } from "./releases.ts";
import { reproduce } from "./reproduce.ts";
import { requestRelease } from "./request-release.ts";
import { withdrawDecision } from "./withdraw-decision.ts";

/** What control does with each kind of command. A kind without one doesn't compile. */
const commands: { [Kind in CommandKind]: Command<Kind> } = {
  "apply-definition": applyDefinition,
  "request-release": requestRelease,
  rollback,
  "break-glass": breakGlass,
  pause,
  resume,
  retire,
  unblock,
  "withdraw-release": withdrawRelease,
  decide,
  "withdraw-decision": withdrawDecision,
  "close-finding": closeFinding,
  reproduce,
  "propose-policy": proposePolicy,
};

/** Runs one command of a caller: checked, signed, delivered, answered. */
export function runCommand<Kind extends CommandKind>(
  context: ControlContext,
  kind: Kind,
  asked: AskedFor<Kind>,
): Promise<Answer<ValueOf<Kind>>> {
  return commands[kind].run(context, asked);
}

/** Delivers again a command that was signed before and whose outcome is not known. */
export function finishAgain(context: ControlContext, command: SignedCommand): Promise<Outcome<unknown>> {
  return finishOf(context, command.body.kind, command);
}

function finishOf<Kind extends CommandKind>(
  context: ControlContext,
  kind: Kind,
  command: SignedCommand,
): Promise<Outcome<unknown>> {
  // The kind was read from this very command's body.
  return commands[kind].finish(context, command as CommandOf<Kind>);
}
