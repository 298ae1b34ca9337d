import { CountersignError } from "../domain/errors.ts";
import { shortMessage } from "./duckdb.ts";

/**
 * What may be told of an error in a failure or a log: these travel into histories, records that cannot be deleted and
 * messages, and whoever reads them need not have the right to read the data. Values of the data are not among it.
 */
export function toldError(error: unknown): string {
  if (error instanceof CountersignError) return error.message;
  // A parser quotes what it read.
  if (error instanceof SyntaxError) return "something that was read is malformed";
  const text = error instanceof Error ? error.message : String(error);
  return /^[A-Z][A-Za-z ]{0,40} Error: /.test(text) ? shortMessage(error) : oneLine(text);
}

const longest = 500;

export function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}

/** Where an error was thrown: the lines of its stack below what it said. */
export function framesOf(error: unknown): string {
  if (!(error instanceof Error) || error.stack === undefined) return "";
  const said = error.stack.indexOf(error.message);
  const below = said === -1 ? error.stack : error.stack.slice(said + error.message.length);
  return below
    .split("\n")
    .filter((line) => /^ {4}at [^"']*:\d+:\d+\)?$/.test(line))
    .join("\n");
}
