import { CountersignError } from "../domain/errors.ts";

/** SQLSTATE classes that say that the database is away or has no room: connection, resources, operator intervention. */
const awayClasses = new Set(["08", "53", "57", "58"]);
const awayErrnos = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EAI_AGAIN", "ENOENT"]);
/** How `pg` words what has no code: a pool or a client that could not connect or lost its connection. */
const awayWords =
  /Connection terminated|Client has encountered a connection error|Query read timeout|statement timeout|the database system is/i;

/** Any error as one of the closed set; what is unknown becomes `internal`, with the cause kept for the log. */
export function asCountersignError(error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  if (isAway(error))
    return unavailable(
      "The database cannot be reached for the moment. Try again with the same Idempotency-Key: nothing happens twice.",
      error,
    );
  if (isUnstorable(error))
    return new CountersignError("invalid", "A text holds characters that cannot be kept (NUL or half a surrogate pair).", {
      cause: error,
    });
  return new CountersignError("internal", "Something went wrong inside Countersign; it is in the server's log.", {
    cause: error,
  });
}

export function unavailable(detail: string, cause?: unknown): CountersignError {
  return new CountersignError("unavailable", detail, { extra: { retryAfterSeconds: 2 }, cause });
}

/** Many wait for a connection: a database that is busy, not one that is away. */
export function isCrowded(error: unknown): boolean {
  return error instanceof Error && /timeout exceeded when trying to connect/i.test(error.message);
}

/** PostgreSQL's `character_not_in_repertoire` and `untranslatable_character`: the last net under the checks of each field. */
function isUnstorable(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "22021" || error.code === "22P05");
}

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isAway);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (awayErrnos.has(code) || (/^[0-9A-Z]{5}$/.test(code) && awayClasses.has(code.slice(0, 2)))) return true;
  return isCrowded(error) || awayWords.test(error.message);
}
