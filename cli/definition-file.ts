import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { checkDefinition, fileReferences } from "../domain/definition-check.ts";
import type { CheckedDefinition } from "../domain/definition-check.ts";
import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { Format } from "../domain/definition-text.ts";
import type { Fault } from "../domain/errors.ts";
import { createLocalRoot } from "../files/local-root.ts";
import { createProtectedPlaces, placesOf } from "../files/protected-places.ts";
import { homeOf } from "./connection.ts";

export interface LoadedDefinition {
  /** The form that the API takes and that runs; null when there are faults. */
  definition: ResolvedDefinition | null;
  /** Each names its file, as it can be opened from the working directory. */
  faults: (Fault & { file: string })[];
  /** A fault that is found in one of its texts later, at its place. */
  placed(fault: Parameters<CheckedDefinition["placed"]>[0]): LoadedDefinition["faults"][number];
}

/** More than this is no definition; it is not read into memory to find that out. */
const maxFileBytes = 4_000_000;

/**
 * Reads a definition and the files it refers to (`{file: contract.yaml}`, beside the definition),
 * and tells every fault of all of them. A definition may be somebody else's: files out of its folder are not read,
 * through links neither, nor what is the own of the instance at `home`.
 */
export async function loadDefinitionFile(
  path: string,
  home: string = homeOf({ env: process.env, cwd: process.cwd() }),
): Promise<LoadedDefinition> {
  const text = await readText(path);
  if (typeof text !== "string") {
    const whole = (message: string) => ({ path: "", message, file: path });
    return { definition: null, faults: [whole(text.fault)], placed: ({ message }) => whole(message) };
  }
  const format: Format = path.endsWith(".json") ? "json" : "yaml";
  const folder = dirname(path);
  const protects = createProtectedPlaces(placesOf({ COUNTERSIGN_HOME: home }));
  const root = createLocalRoot({ folder, title: "the definition's folder", protects });
  const files: Record<string, string> = {};
  const unreadable: LoadedDefinition["faults"] = [];
  for (const name of fileReferences(text, format)) {
    const located = await root.locate(name);
    if ("refusal" in located) {
      // The check tells what is missing or has `..` by itself, at its line.
      if (!located.missing && !name.split("/").includes(".."))
        unreadable.push({ path: "", message: located.refusal, file: join(folder, name) });
      continue;
    }
    const content = await readText(located.path);
    if (typeof content === "string") files[name] = content;
    else if (!content.absent) unreadable.push({ path: "", message: content.fault, file: join(folder, name) });
  }
  const { definition, faults, placed } = checkDefinition(text, { format, filesAllowed: true, files });
  const named = (fault: Fault) => ({ ...fault, file: fault.file === undefined ? path : join(folder, fault.file) });
  return {
    definition: unreadable.length > 0 ? null : definition,
    faults: [...faults.map(named), ...unreadable],
    placed: (fault) => named(placed(fault)),
  };
}

/** The text, or why there is none: a missing file is the definition's fault, another its own. */
export async function readText(path: string): Promise<string | { fault: string; absent: boolean }> {
  try {
    const { size } = await stat(path);
    if (size > maxFileBytes) return { fault: `is larger than ${maxFileBytes} bytes`, absent: false };
    const bytes = await readFile(path);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code === "ENOENT" || code === "ENOTDIR") return { fault: "does not exist", absent: true };
    if (code === "EISDIR") return { fault: "is a folder, not a file", absent: false };
    if (error instanceof TypeError) return { fault: "is no UTF-8 text", absent: false };
    return { fault: `cannot be read: ${code === "" ? String(error) : code}`, absent: false };
  }
}
