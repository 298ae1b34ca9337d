import { columnFindings, contractFindings } from "./contract-rules.ts";
import { typeFindings } from "./request-types.ts";
import { ruleFindings } from "./definition-rules.ts";
import { definitionSchema } from "./definition-schema.ts";
import type { Definition, ResolvedDefinition } from "./definition-schema.ts";
import { maxTextBytes, pathInWords, readText } from "./definition-text.ts";
import type { Format, Path, ReadText } from "./definition-text.ts";
import type { Fault } from "./errors.ts";
import { isRecord, valueAt } from "./loose-value.ts";
import { schemaFaults, shown } from "./schema-faults.ts";
import type { Finding } from "./schema-faults.ts";
import { inOrder, toFault } from "./written-faults.ts";

/**
 * Tells everything that is wrong with a definition at once, each fault with its path, its line and
 * its column. The same function answers `countersign check`, the API and the tests; it reads no file:
 * the texts of files that the definition names are handed in.
 */
export interface CheckOptions {
  format: Format;
  /** Whether `{file: …}` may stand for a text. The API says no: it cannot see the author's files. */
  filesAllowed: boolean;
  /** The texts of the files named, by name; what is missing here is told as missing. */
  files?: Record<string, string>;
}

export interface CheckedDefinition {
  /** With defaults filled in and files in place; null when anything is wrong. */
  definition: ResolvedDefinition | null;
  faults: Fault[];
  /** A fault that somebody else found in a text of the definition, at the place of its character `at`. */
  placed(fault: { path: Path; message: string; at: number | null }): Fault;
}

/** Where a file may stand in for the text itself. */
const filePaths: { path: Path; holds: "data" | "text" }[] = [
  { path: ["contract"], holds: "data" },
  { path: ["features", "sql"], holds: "text" },
];

export function checkDefinition(text: string, options: CheckOptions): CheckedDefinition {
  const read = readText(text, options.format);
  const unplaced: CheckedDefinition["placed"] = ({ path, message }) => toFault({ path, message, spot: "value" }, read);
  if (read.faults.length > 0) return { definition: null, faults: read.faults, placed: unplaced };
  const { output, value, findings, asWritten } = schemaFaults(definitionSchema, read.value);
  const inlined = putFilesInPlace(value, options);
  const contract = valueAt(value, ["contract"]);
  const later = [
    ...inlined.findings,
    ...ruleFindings(value),
    ...columnFindings(contract, value),
    ...typeFindings(contract, value),
  ];
  const own = [...findings, ...later.map((one) => ({ ...one, path: asWritten(one.path) }))];
  const faults = inOrder([
    ...own.map((one) => toFault(one, read)),
    ...inlined.faults,
    ...contractFaults({ value, inlined, read, asWritten }),
  ]);
  const placed: CheckedDefinition["placed"] = (fault) => placedFault(fault, { value, inlined, read });
  if (output === null || faults.length > 0) return { definition: null, faults, placed };
  // The texts of files are held to the same limits as texts written in place.
  const whole = schemaFaults(definitionSchema, value);
  const late = whole.findings.map((one) => toFault(one, read));
  return {
    definition: whole.output === null ? null : resolveDefinition(whole.output),
    faults: late,
    placed,
  };
}

function placedFault(
  { path, message, at }: { path: Path; message: string; at: number | null },
  { value, inlined: { contractFile, textFiles }, read }: Pick<ContractCheck, "value" | "inlined" | "read">,
): Fault {
  const fault = { path: pathInWords(path), message };
  const textFile = textFiles.get(pathInWords(path));
  if (textFile !== undefined) {
    const before = String(valueAt(value, path))
      .slice(0, at ?? 0)
      .split("\n");
    return { ...fault, file: textFile, line: before.length, column: (before.at(-1) ?? "").length + 1 };
  }
  const inFile = contractFile !== null && path[0] === "contract";
  const [place, within] = inFile ? [contractFile.read, path.slice(1)] : [read, path];
  const spot = at === null ? place.placeOf(within, "value") : place.placeWithin(within, at);
  return { ...fault, ...spot, ...(inFile && { path: pathInWords(within), file: contractFile.name }) };
}

interface ContractCheck {
  value: unknown;
  inlined: Inlined;
  read: ReadText;
  asWritten(path: Path): Path;
}

/** The contract's own faults, at their places in its own file if it has one. */
function contractFaults({ value, inlined, read, asWritten }: ContractCheck): Fault[] {
  const contract = valueAt(value, ["contract"]);
  if (!isRecord(contract) || fileAt(value, ["contract"]) !== null) return [];
  const findings = contractFindings(contract, value);
  const { contractFile } = inlined;
  if (contractFile !== null) return findings.map((one) => ({ ...toFault(one, contractFile.read), file: contractFile.name }));
  return findings.map((one) => toFault({ ...one, path: asWritten(["contract", ...one.path]) }, read));
}

/** The files that a definition names, as far as it can be read at all. */
export function fileReferences(text: string, format: Format): string[] {
  const read = readText(text, format);
  if (read.faults.length > 0) return [];
  const { value } = schemaFaults(definitionSchema, read.value);
  return [...new Set(filePaths.flatMap(({ path }) => fileAt(value, path) ?? []))];
}

/** The form that runs: no file reference is left. Throws a TypeError where one is. */
export function resolveDefinition(definition: Definition): ResolvedDefinition {
  const { contract, features } = definition;
  if (typeof features.sql !== "string") throw new TypeError("features.sql still names a file.");
  if (!("apiVersion" in contract)) throw new TypeError("contract still names a file.");
  return { ...definition, contract, features: { ...features, sql: features.sql } };
}

/** `features.sql is missing`, for people. */
export function faultInWords(fault: Pick<Fault, "path" | "message">): string {
  return fault.path === "" ? `It ${fault.message}` : `${fault.path} ${fault.message}`;
}

function fileAt(value: unknown, path: Path): string | null {
  const found = valueAt(value, path);
  return isRecord(found) && typeof found["file"] === "string" && Object.keys(found).length === 1 ? found["file"] : null;
}

interface Inlined {
  findings: Finding[];
  faults: Fault[];
  contractFile: { name: string; read: ReadText } | null;
  /** Names of files whose text stands at a path. */
  textFiles: Map<string, string>;
}

/** Puts the texts of files where they are named (changes `value`), and tells what cannot be put there. */
function putFilesInPlace(value: unknown, options: CheckOptions): Inlined {
  const inlined: Inlined = { findings: [], faults: [], contractFile: null, textFiles: new Map() };
  for (const { path, holds } of filePaths) {
    const file = fileAt(value, path);
    // The schema tells of a path that climbs out.
    if (file === null || file.startsWith("/") || file.split("/").includes("..")) continue;
    const text = textOfFile(file, options);
    if (typeof text !== "string") {
      inlined.findings.push({ path, spot: "value", message: text.fault });
    } else if (holds === "text") {
      place(value, path, text);
      inlined.textFiles.set(pathInWords(path), file);
    } else {
      const read = readText(text, file.endsWith(".json") ? "json" : "yaml");
      inlined.faults.push(...read.faults.map((one) => ({ ...one, file })));
      inlined.contractFile = { name: file, read };
      if (read.faults.length > 0) continue;
      place(value, path, read.value);
      if (!isRecord(read.value))
        inlined.faults.push({
          path: "",
          message: `must be a mapping, not ${shown(read.value)}`,
          file,
          line: 1,
          column: 1,
        });
    }
  }
  return inlined;
}

function textOfFile(file: string, options: CheckOptions): string | { fault: string } {
  if (!options.filesAllowed)
    return {
      fault: `names the file \`${file}\`, which only its author can read; \`countersign apply\` puts its text in its place`,
    };
  const text = options.files !== undefined && Object.hasOwn(options.files, file) ? options.files[file] : undefined;
  if (text === undefined) return { fault: `names \`${file}\`, and there is no such file beside the definition` };
  return text.length > maxTextBytes ? { fault: `names \`${file}\`, which is larger than ${maxTextBytes} characters` } : text;
}

function place(value: unknown, path: Path, content: unknown): void {
  const holder = valueAt(value, path.slice(0, -1));
  if (isRecord(holder)) holder[String(path.at(-1))] = content;
}
