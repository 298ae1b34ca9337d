import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import type { Fault } from "../domain/errors.ts";
import { readText, type Path } from "../domain/definition-text.ts";
import { peopleFileSchema, type PeopleFile } from "../domain/people-file.ts";
import { CliError, exitCodes } from "./exit.ts";

export interface ReadPeople {
  file: PeopleFile;
  /** A fault that the server found, with the line where the file says it. */
  placed(fault: Fault): Fault;
}

/** Reads a file of people (`-`: the standard input). Throws a CliError with every fault, each at its line. */
export async function readPeopleFile(path: string): Promise<ReadPeople> {
  const written = await contentOf(path);
  const read = readText(written, path.endsWith(".json") ? "json" : "yaml");
  const placed = (fault: Fault): Fault => ({ ...fault, ...read.placeOf(pathOf(fault.path), "value"), file: path });
  if (read.faults.length > 0)
    throw broken(
      path,
      read.faults.map((fault) => ({ ...fault, file: path })),
    );
  const parsed = peopleFileSchema.safeParse(read.value);
  if (parsed.success) return { file: parsed.data, placed };
  const faults = parsed.error.issues.flatMap((issue): Fault[] => {
    const place = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => at([...place, key], "is no field of a people file", "key"));
    return [at(place, issue.message, "value")];
  });
  throw broken(path, faults);

  function at(place: Path, message: string, spot: "key" | "value"): Fault {
    return { path: place.join("."), message, ...read.placeOf(place, spot), file: path };
  }
}

function pathOf(path: string): Path {
  return path === "" ? [] : path.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

export function broken(path: string, faults: Fault[]): CliError {
  const count = `${faults.length} ${faults.length === 1 ? "fault" : "faults"}`;
  return new CliError(exitCodes.badInput, `${path}: ${count}; nothing was changed.`, { faults, body: { faults } });
}

async function contentOf(path: string): Promise<string> {
  try {
    return path === "-" ? await readAll(process.stdin) : await readFile(path, "utf8");
  } catch (error) {
    throw new CliError(exitCodes.badInput, `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
