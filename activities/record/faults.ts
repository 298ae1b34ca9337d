import { ApplicationFailure, CancelledFailure } from "@temporalio/common";
import pg from "pg";
import { CountersignError, errorCodes } from "../../domain/errors.ts";

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
  if (error instanceof CountersignError) {
    return ApplicationFailure.create({
      message: error.message,
      type: error.code,
      nonRetryable: !errorCodes[error.code].retry,
      details: [{ faults: error.faults, extra: error.extra }],
      cause: error,
    });
  }
  if (error instanceof SlotContention) return transient("The slot was moved by others again and again.", error);
  if (error instanceof pg.DatabaseError && foreverClasses.has(error.code?.slice(0, 2) ?? "")) {
    const where = error.constraint ? ` (${error.constraint})` : "";
    return ApplicationFailure.create({
      message: `The database refused what must not be${where}: ${error.message}`,
      type: "internal",
      nonRetryable: true,
      cause: error,
    });
  }
  return transient(error instanceof Error ? error.message : String(error), error);
}

function transient(message: string, cause: unknown): ApplicationFailure {
  return ApplicationFailure.create({ message, type: "transient", nonRetryable: false, ...(cause instanceof Error && { cause }) });
}
