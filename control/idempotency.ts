import { randomUUID } from "node:crypto";
import { findCommand, insertCommand, keepAnswer, releaseCommand, takeCommand } from "../db/commands.ts";
import type { Row } from "../db/schema.ts";
import { digestOfJson } from "../domain/digest.ts";
import { CountersignError, errorCodes } from "../domain/errors.ts";
import type { SignedCommand } from "../domain/signed-command.ts";
import { answerOf, replayOf, type Answer, type Outcome } from "./answer.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { newCommandId } from "./signing.ts";

/** One command as its use case sees it. */
export interface Begun {
  id: string;
  /** Begun by this call; not by an earlier one that left it lying. */
  isNew: boolean;
  /** As it is kept: by an earlier call, or by `sign` of this one. */
  signed: SignedCommand | null;
}

export interface Once {
  caller: Caller;
  /** Method and path: keys are scoped to it and to the principal. */
  route: string;
  key: string | null;
  /** As it was checked; its canonical JSON tells whether another body comes under the same key. */
  body: unknown;
  gate?: string;
  /** Its signed form when it is new, kept in the same write; a use case without this keeps it itself. */
  sign?(id: string): SignedCommand;
}

const keyPattern = /^[\x21-\x7e]{1,200}$/;

/**
 * Runs a command once for its key. The same key and body again gets the first answer, byte for
 * byte, also from another process; another body is `key-reused`; while the first is under way
 * `key-in-use`. A 5xx is never kept: the key may try again, under the same command id, which the
 * workflows deduplicate. A command left lying by a process that died is taken up after `leaseMs`.
 */
export async function runOnce<Value>(
  context: ControlContext,
  once: Once,
  execute: (begun: Begun) => Promise<Outcome<Value>>,
): Promise<Answer<Value>> {
  const row = await begin(context, once);
  if ("replay" in row) return replayOf<Value>(row.replay);
  try {
    const outcome = await execute(row);
    return await keep(context, row.id, outcome);
  } catch (error) {
    if (error instanceof CountersignError && errorCodes[error.code].status < 500) {
      return keep<Value>(context, row.id, { kind: "refused", error });
    }
    // With the database away this fails too; the lease then ends by itself.
    await releaseCommand(context.db, row.id).catch(() => undefined);
    throw error;
  }
}

/** Puts the answer on record. When that fails the answer is true all the same: a retry finds out anew under the same id. */
export async function keep<Value>(context: ControlContext, id: string, outcome: Outcome<Value>): Promise<Answer<Value>> {
  const answer = answerOf(id, outcome);
  await keepAnswer(context.db, {
    id,
    state: answer.kind === "pending" ? "pending" : "done",
    status: answer.status,
    body: answer.body,
  }).catch(() => undefined);
  return answer;
}

type Beginning = Begun | { replay: Parameters<typeof replayOf>[0] };

async function begin(context: ControlContext, once: Once): Promise<Beginning> {
  const { caller, route } = once;
  if (once.key !== null && !keyPattern.test(once.key)) {
    const faults = [{ path: "Idempotency-Key", message: "must be 1 to 200 printable characters without spaces" }];
    throw new CountersignError("invalid", "The Idempotency-Key is not usable.", { faults });
  }
  const key = once.key ?? `made-${randomUUID()}`;
  const bodyDigest = digestOfJson(once.body);
  const id = newCommandId();
  const signed = once.sign?.(id) ?? null;
  const command = { id, principal: caller.principal.id, route, key, bodyDigest, gate: once.gate ?? null, signed };
  if (await insertCommand(context.db, command)) return { id, isNew: true, signed };
  const before = await findCommand(context.db, command);
  if (!before) throw new CountersignError("key-in-use", "The first request under this key is just being forgotten.");
  if (before.body_digest !== bodyDigest)
    throw new CountersignError("key-reused", "This Idempotency-Key was used for another body.");
  const replay = keptAnswer(before);
  if (replay) return { replay };
  const taken = await takeCommand(context.db, before.id, context.limits.leaseMs);
  if (taken) return { id: taken.id, isNew: false, signed: taken.signed };
  throw new CountersignError("key-in-use", "The first request under this key is still under way.", {
    extra: { retryAfterSeconds: 1 },
  });
}

function keptAnswer(row: Row<"commands">): Parameters<typeof replayOf>[0] | null {
  if (row.state === "running" || row.response_status === null || row.response_body === null) return null;
  return { command: row.id, status: row.response_status, body: row.response_body, pending: row.state === "pending" };
}
