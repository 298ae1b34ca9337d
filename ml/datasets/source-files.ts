import { readdir, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import type { ResolvedDefinition, SourceDefinition } from "../../domain/definition-schema.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";
import type { ReleaseParameters } from "../../domain/stage-results.ts";

export interface SourceFile {
  /** Below the data root, as the definition names it. */
  name: string;
  /** Where it really lies. */
  path: string;
}

export interface SourceFiles {
  source: string;
  files: SourceFile[];
  /** First and last month, when the source has a window. */
  months: { from: string; until: string } | null;
}

/**
 * The files of every source, in reading order. Throws `source-missing` that names each file that
 * is not there, and `source-unreadable` for one that leads out of the data root (also through a link).
 */
export async function findSourceFiles(
  dataRoot: string,
  data: ResolvedDefinition["data"],
  parameters: ReleaseParameters,
): Promise<SourceFiles[]> {
  const root = await realpath(dataRoot).catch((cause: unknown) => {
    throw new CountersignError("source-missing", "The data root is not there.", { cause });
  });
  const missing: Fault[] = [];
  const unreadable: Fault[] = [];
  const found: SourceFiles[] = [];
  for (const [source, definition] of Object.entries(data.sources)) {
    const path = `data.sources.${source}.files`;
    const months = windowMonths(source, definition, parameters);
    const files: SourceFile[] = [];
    for (const pattern of months === null
      ? [definition.files]
      : months.map((month) => definition.files.replaceAll("{month}", month))) {
      const names = pattern.includes("*") ? await expand(root, pattern) : [pattern];
      if (names.length === 0) missing.push({ path, message: `No file matches ${pattern}.` });
      for (const name of names) {
        const located = await locate(root, name);
        if (located === "missing") missing.push({ path, message: `${name} is not there.` });
        else if (located === "outside") unreadable.push({ path, message: `${name} leads out of the data root.` });
        else if (located === "no-file") unreadable.push({ path, message: `${name} is no file.` });
        else files.push({ name, path: located.path });
      }
    }
    found.push({
      source,
      files,
      months: months === null ? null : { from: months[0] ?? "", until: months.at(-1) ?? "" },
    });
  }
  if (unreadable.length > 0) throw new CountersignError("source-unreadable", tell(unreadable), { faults: unreadable });
  if (missing.length > 0) throw new CountersignError("source-missing", tell(missing), { faults: missing });
  return found;
}

function tell(faults: Fault[]): string {
  const shown = faults.slice(0, 5).map((fault) => fault.message);
  return faults.length > shown.length ? `${shown.join(" ")} And ${faults.length - shown.length} more.` : shown.join(" ");
}

/** The months of a source's window, oldest first; null when it has none. A release's parameters go before the definition's. */
function windowMonths(source: string, definition: SourceDefinition, parameters: ReleaseParameters): string[] | null {
  const placeholder = definition.files.includes("{month}");
  if (definition.window === undefined) {
    if (!placeholder) return null;
    const path = `data.sources.${source}.window`;
    throw new CountersignError("invalid", `${path} must say which months {month} stands for.`, {
      faults: [{ path, message: "is missing, and files has {month}" }],
    });
  }
  if (!placeholder) {
    const path = `data.sources.${source}.files`;
    throw new CountersignError("invalid", `${path} needs {month} for its window.`, {
      faults: [{ path, message: "needs {month} for its window" }],
    });
  }
  const [year, month] = (parameters.until ?? definition.window.until).split("-").map(Number);
  const last = (year ?? 0) * 12 + (month ?? 1) - 1;
  return Array.from(
    { length: parameters.months ?? definition.window.months },
    (_, index, count = parameters.months ?? definition.window?.months ?? 0) => {
      const number = last - count + 1 + index;
      return `${String(Math.floor(number / 12)).padStart(4, "0")}-${String((number % 12) + 1).padStart(2, "0")}`;
    },
  );
}

async function locate(root: string, name: string): Promise<{ path: string } | "missing" | "outside" | "no-file"> {
  try {
    const path = await realpath(join(root, name));
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep)) return "outside";
    return (await stat(path)).isFile() ? { path } : "no-file";
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return "missing";
    throw error;
  }
}

/** Names below the root that match, by name. `*` matches within one name and no leading dot. */
async function expand(root: string, pattern: string): Promise<string[]> {
  let names = [""];
  for (const segment of pattern.split("/")) {
    const next: string[] = [];
    for (const name of names) {
      if (!segment.includes("*")) next.push(join(name, segment));
      else for (const entry of await entries(join(root, name))) if (matches(segment, entry)) next.push(join(name, entry));
    }
    names = next;
  }
  return names.toSorted((a, b) => (a < b ? -1 : 1));
}

async function entries(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

function matches(segment: string, name: string): boolean {
  const pattern = segment.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return !name.startsWith(".") && new RegExp(`^${pattern.join(".*")}$`).test(name);
}
