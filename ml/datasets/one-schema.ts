import { CountersignError, type Fault } from "../../domain/errors.ts";
import type { SourceManifest } from "../../domain/stage-results.ts";
import { twinNames, twinsInWords } from "./column-twins.ts";
import type { FileContent } from "./inspect-file.ts";

/**
 * The columns that all files of a source share. Lines of JSON may each leave out what they do not
 * have: there a column of one file is a column of all. Throws `source-schema` naming file and column.
 */
export function oneSchema(
  source: string,
  files: { name: string; content: FileContent }[],
): Pick<SourceManifest, "format" | "columns"> {
  const [first] = files;
  if (first === undefined) throw new CountersignError("source-missing", `The source ${source} has no files.`);
  const messages = files.flatMap((file) => differences(file, first));
  if (messages.length > 0) {
    const faults: Fault[] = messages.map((message) => ({ path: `data.sources.${source}.files`, message }));
    throw new CountersignError("source-schema", `The files of ${source} differ: ${messages.slice(0, 3).join(" ")}`, { faults });
  }
  const { format } = first.content;
  const all = new Map(files.flatMap((file) => file.content.columns.map((column) => [column.name, column] as const)));
  const columns = [...all.values()];
  refuseTwins(source, columns);
  return { format, columns };
}

function differences(file: { name: string; content: FileContent }, first: { name: string; content: FileContent }): string[] {
  const { name, content } = file;
  if (content.format !== first.content.format)
    return [`${name} is ${content.format}, but ${first.name} is ${first.content.format}.`];
  if (content.format === "jsonl") return [];
  const messages: string[] = [];
  const expected = new Map(first.content.columns.map((column) => [column.name, column.type]));
  const columns = new Map(content.columns.map((column) => [column.name, column.type]));
  for (const [column, type] of expected) {
    const actual = columns.get(column);
    if (actual === undefined) messages.push(`${name} has no column ${column}, which ${first.name} has.`);
    else if (actual !== type) messages.push(`${name} has ${column} as ${actual}, but ${first.name} as ${type}.`);
  }
  for (const column of columns.keys())
    if (!expected.has(column)) messages.push(`${name} has a column ${column}, which ${first.name} lacks.`);
  return messages;
}

/** SQL does not tell `Age` from `age`: one of them would silently stand for both. */
function refuseTwins(source: string, columns: { name: string }[]): void {
  const faults: Fault[] = [];
  const twins = twinNames(columns.map(({ name }) => name));
  if (twins !== null) faults.push({ path: `data.sources.${source}.files`, message: `has ${twinsInWords(twins)}` });
  for (const { name } of columns) {
    if (["row_id", "file_index"].includes(name.toLowerCase()))
      faults.push({
        path: `data.sources.${source}.files`,
        message: `has a column ${name}, a name that Countersign gives itself`,
      });
  }
  const [fault] = faults;
  if (fault !== undefined) throw new CountersignError("source-schema", `${source} ${fault.message}.`, { faults });
}
