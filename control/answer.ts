import { problemOf, type Problem } from "../domain/http/problem.ts";
import type { PendingView } from "../domain/http/gate-views.ts";
import type { CountersignError } from "../domain/errors.ts";

/**
 * What a command is answered, on whatever surface: `body` is JSON text that a replay gives back
 * byte for byte (a problem document when refused), `status` its HTTP form.
 */
export type Answer<Value> = AnswerText &
  (
    | { kind: "done"; value: Value }
    /** Not known in time; `GET /api/commands/{id}` says what became of it. */
    | { kind: "pending"; value: PendingView }
    | { kind: "refused"; problem: Problem }
  );

export interface AnswerText {
  command: string;
  status: number;
  body: string;
  replayed: boolean;
}

/** What a use case leads to, before it is put on record as the command's answer. */
export type Outcome<Value> =
  | { kind: "done"; status: number; value: Value }
  | { kind: "pending"; value: PendingView }
  | { kind: "refused"; error: CountersignError };

export function answerOf<Value>(command: string, outcome: Outcome<Value>): Answer<Value> {
  const replayed = false;
  if (outcome.kind === "refused") {
    const { status, body } = problemOf(outcome.error);
    return {
      kind: "refused",
      command,
      status,
      body: JSON.stringify(body),
      replayed,
      problem: body,
    };
  }
  const body = JSON.stringify(outcome.value);
  if (outcome.kind === "pending") return { kind: "pending", command, status: 202, body, replayed, value: outcome.value };
  return { kind: "done", command, status: outcome.status, body, replayed, value: outcome.value };
}

/** The first answer again, from what was kept of it. */
export function replayOf<Value>(kept: { command: string; status: number; body: string; pending: boolean }): Answer<Value> {
  const text = { command: kept.command, status: kept.status, body: kept.body, replayed: true };
  const parsed: unknown = JSON.parse(kept.body);
  // What was kept under a command was written by `answerOf` for the same route, whose value has this type.
  if (kept.pending) return { ...text, kind: "pending", value: parsed as PendingView };
  if (kept.status >= 400) return { ...text, kind: "refused", problem: parsed as Problem };
  return { ...text, kind: "done", value: parsed as Value };
}
