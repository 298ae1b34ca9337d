import pg from "pg";
import { oneLine, toldError as toldOfData } from "../ml/told-error.ts";

/** Classes of SQLSTATE whose messages quote the statement and the names in it, and no value. */
const ofTheStatement = /^(08|0A|25|26|28|3D|3F|42|53|57)/;

/** What may be told of an error in a failure (ml/told-error.ts), PostgreSQL's among them. */
export function toldError(error: unknown): string {
  if (!(error instanceof pg.DatabaseError)) return toldOfData(error);
  return ofTheStatement.test(error.code ?? "")
    ? oneLine(error.message)
    : `it refuses a value (SQLSTATE ${error.code ?? "unknown"})`;
}
