import { setTimeout as sleep } from "node:timers/promises";
import type { UpdateDefinition } from "@temporalio/common";
import { appendAudit } from "../db/audit.ts";
import { keepSigned, readCommandResult } from "../db/commands.ts";
import { CountersignError, errorCodes, type ErrorCode } from "../domain/errors.ts";
import type { CommandBody, SignedCommand } from "../domain/signed-command.ts";
import type { Outcome } from "./answer.ts";
import type {
  lifecycleCommandUpdate,
  proposalUpdate,
  releaseCommandUpdate,
  reproductionUpdate,
  withdrawUpdate,
} from "../workflows/messages.ts";
import type { Caller } from "./caller.ts";
import { deliver, type Parcel } from "./delivery.ts";
import type { ControlContext } from "./deps.ts";
import { unavailable } from "./faults.ts";
import type { Begun } from "./idempotency.ts";

const lookEveryMs = 20;
const longestLookMs = 150;

/** A lifecycle is started when it does not run, so this is never met; if it is, trying again helps. */
export const lifecycleGone = new CountersignError(
  "unavailable",
  "The model's workflow could not be started. Try again with the same Idempotency-Key.",
);

/** How one kind of command reaches its workflow, and how what it left behind becomes an answer. */
export interface CommandRoute<Body extends CommandBody, Value> {
  to: Parcel<unknown, SignedCommand<Body>>["to"];
  update:
    | typeof lifecycleCommandUpdate
    | typeof releaseCommandUpdate
    | typeof withdrawUpdate
    | typeof proposalUpdate
    | typeof reproductionUpdate;
  /** From `command_results`. */
  outcome(result: Record<string, unknown>): Promise<Outcome<Value>>;
  /** What a workflow that is not there means. */
  gone: CountersignError | ((context: ControlContext) => Promise<CountersignError>);
}

/** Signs what was authorized, or takes the signed form of before. Kept before it is sent. */
export async function signed<Body extends CommandBody>(
  context: ControlContext,
  given: { begun: Begun; caller: Caller; body: Body },
): Promise<SignedCommand<Body>> {
  const { begun, caller, body } = given;
  // The same key, route and body: what was signed then is of the same kind.
  if (begun.signed) return begun.signed as SignedCommand<Body>;
  const { id: principal, groups } = caller.principal;
  const command = context.signer.sign({
    id: begun.id,
    principal,
    groups,
    surface: caller.surface,
    at: context.clock().toISOString(),
    body,
  });
  await keepSigned(context.db, command);
  return command;
}

/**
 * Brings a command to its workflow and waits for what the activity that carries it out puts on
 * record. Safe to do again: the command's id counts once. Throws `unavailable` only where it surely
 * did not arrive.
 */
export async function finishCommand<Body extends CommandBody, Value>(
  context: ControlContext,
  command: SignedCommand<Body>,
  route: CommandRoute<Body, Value>,
): Promise<Outcome<Value>> {
  const deadline = Date.now() + context.limits.knownWithinMs;
  const before = await readResult(context, command.id);
  if (before) return outcomeOf(before, route);
  // Each workflow's `command` update takes several kinds; the route pairs a kind with the workflow that takes it.
  const update = route.update as UpdateDefinition<{ accepted: true }, [SignedCommand]>;
  const delivery = await deliver(context, { to: route.to, update, command, deadline });
  switch (delivery.kind) {
    case "unreached":
      throw unavailable(
        `Temporal cannot be reached, so nothing was done (${delivery.why}). Try again with the same Idempotency-Key.`,
      );
    case "refused":
      throw new CountersignError(codeOf(delivery.type), delivery.message);
    case "gone": {
      const late = await readResult(context, command.id);
      if (late) return outcomeOf(late, route);
      throw typeof route.gone === "function" ? await route.gone(context) : route.gone;
    }
    case "unknown":
    case "accepted":
      return waitForResult(context, { command: command.id, deadline, route });
  }
}

type Result = { ok: boolean; code: string | null; result: Record<string, unknown> };

function readResult(context: ControlContext, id: string): Promise<Result | undefined> {
  return readCommandResult(context.db, id);
}

async function waitForResult<Body extends CommandBody, Value>(
  context: ControlContext,
  wanted: { command: string; deadline: number; route: CommandRoute<Body, Value> },
): Promise<Outcome<Value>> {
  for (let pauseMs = lookEveryMs; Date.now() < wanted.deadline; pauseMs = Math.min(pauseMs * 1.5, longestLookMs)) {
    // With the database away the outcome is not known yet, and may be in time.
    const result = await readResult(context, wanted.command).catch(() => undefined);
    if (result) return outcomeOf(result, wanted.route);
    await sleep(pauseMs);
  }
  const message = "It is not known yet what became of it; it is carried out as soon as it can be. Ask under the link.";
  return { kind: "pending", value: { receipt: "pending", command: wanted.command, message } };
}

function outcomeOf<Body extends CommandBody, Value>(result: Result, route: CommandRoute<Body, Value>): Promise<Outcome<Value>> {
  if (result.ok) return route.outcome(result.result);
  const error = new CountersignError(codeOf(result.code ?? "internal"), messageIn(result));
  return Promise.resolve({ kind: "refused", error });
}

/** The sentence that the activity left with a refusal. */
export function messageIn({ result }: Pick<Result, "result">): string {
  const { message } = result;
  return typeof message === "string" ? message : "It was refused.";
}

export function codeOf(text: string): ErrorCode {
  return text in errorCodes ? (text as ErrorCode) : "internal";
}

/** A refusal that control makes before any workflow sees the command is on record like the workflow's own. */
export async function refuseOnRecord(
  context: ControlContext,
  refused: { caller: Caller; kind: string; subject: string; model: string | null; error: CountersignError },
): Promise<never> {
  const { caller, kind, subject, model, error } = refused;
  await context.db.transaction().execute((trx) =>
    appendAudit(trx, [
      {
        kind: "command.refused",
        actor: caller.principal.id,
        model,
        subject,
        data: { kind, code: error.code, message: error.message, surface: caller.surface },
      },
    ]),
  );
  throw error;
}
