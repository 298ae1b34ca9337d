import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import pg from "pg";
import { CountersignError, errorCodes } from "../../domain/errors.ts";
import { framesOf } from "../../ml/told-error.ts";
import { toldError } from "../told-error.ts";

/** A slot was moved between the reading of its epoch and the write; doing it again reads the new one. */
export class SlotContention extends Error {}

/** SQLSTATEs after which the same transaction may succeed: somebody else wrote the same row first. */
const raceStates = new Set(["23505", "40001", "40P01"]);
/** Classes (the first two digits) that a retry will not cure: data, constraints, syntax, our own RAISE. */
const foreverClasses = new Set(["21", "22", "23", "42", "P0"]);

export function isRace(error: unknown): boolean {
  return error instanceof SlotContention || (error instanceof pg.DatabaseError && raceStates.has(error.code ?? ""));
}

/**
 * What a record activity fails with: `type` is a code of domain/errors.ts. A fault of the database
 * or of the network is tried again by Temporal; a constraint that was broken is a fault of ours
 * and is told at once, with the constraint's name.
 */
export function failureOf(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (error instanceof CountersignError)
    return made(error, {
      message: error.message,
      type: error.code,
      nonRetryable: !errorCodes[error.code].retry,
      details: [{ faults: error.faults, extra: error.extra }],
    });
  if (error instanceof SlotContention) return made(error, transient("The slot was moved by others again and again."));
  if (error instanceof pg.DatabaseError && foreverClasses.has(error.code?.slice(0, 2) ?? "")) {
    const where = error.constraint ? ` (${error.constraint})` : "";
    const message = `The database refused what must not be${where}: ${ofConstraint.test(error.code ?? "") ? error.message : toldError(error)}`;
    return made(error, { message, type: "internal", nonRetryable: true });
  }
  return made(error, transient(toldError(error)));
}

/** Constraints and our own RAISE name what they are about, and no value. */
const ofConstraint = /^(23|P0)/;

function transient(message: string) {
  return { message, type: "transient", nonRetryable: false };
}

/** Without the error as its cause, whose message would travel along; where it was thrown is kept. */
function made(error: unknown, failure: Parameters<typeof ApplicationFailure.create>[0]): ApplicationFailure {
  const created = ApplicationFailure.create(failure);
  created.stack = framesOf(error);
  return created;
}
