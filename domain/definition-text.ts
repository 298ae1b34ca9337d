import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Document, Node } from "yaml";
import type { Fault } from "./errors.ts";

export type Path = readonly (string | number)[];
export type Format = "yaml" | "json";

/** Where a fault points: at a key, or at what stands behind it. */
export type Spot = "key" | "value";
export interface Place {
  line: number;
  column: number;
}

export interface ReadText {
  value: unknown;
  /** Faults of the writing itself; with any of them `value` is undefined. */
  faults: Fault[];
  /** The place of a path in the text; of the nearest thing around it where it is missing. */
  placeOf(path: Path, spot: Spot): Place;
  /** The place of one character of the text that stands at a path; where that text begins, if it is folded or escaped. */
  placeWithin(path: Path, at: number): Place;
}

/** A definition is some kilobytes; a megabyte of YAML is a mistake or an attack. */
export const maxTextBytes = 1_000_000;
/** Deeper than any definition or contract; far from where a recursive reader overflows its stack. */
const maxDepth = 64;
const maxWritingFaults = 20;

/** Reads YAML 1.2 or JSON and remembers where everything stands. Never throws. */
export function readText(text: string, format: Format): ReadText {
  const start: Place = { line: 1, column: 1 };
  const broken = (faults: Fault[]): ReadText => ({
    value: undefined,
    faults,
    placeOf: () => start,
    placeWithin: () => start,
  });
  const whole = (message: string): ReadText => broken([{ path: "", message, ...start }]);
  if (text.length > maxTextBytes) return whole(`is larger than ${maxTextBytes} characters`);
  if (nestedTooDeeply(text)) return whole(`is nested more than ${maxDepth} levels deep`);
  if (text.trim() === "") return whole("is empty");
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      version: "1.2",
    });
    const writing = format === "json" ? jsonFaults(text, document, place) : yamlFaults(document, place);
    if (writing.length > 0) return broken(writing.slice(0, maxWritingFaults));
    const value: unknown = format === "json" ? JSON.parse(text) : document.toJS({ maxAliasCount: 100 });
    // An anchor may hold itself; what cannot be written as JSON cannot be digested either.
    JSON.stringify(value);
    return {
      value,
      faults: [],
      placeOf: (path, spot) => place(offsetOf(document, path, spot)),
      placeWithin: (path, at) => place(offsetWithin(document, { path, at, text })),
    };
  } catch (error) {
    if (error instanceof TypeError) return whole("holds an anchor that refers to itself");
    return whole(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Counts brackets and indentation before a recursive parser meets them. */
function nestedTooDeeply(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth = Math.max(0, depth - 1);
    if (depth > maxDepth) return true;
  }
  return /^(?:\s*[-?:] ?){65}/m.test(text) || text.match(/^ {256}\s*[\w"'-]+\s*:/m) !== null;
}

function yamlFaults(document: Document.Parsed, place: (offset: number) => Place): Fault[] {
  return [...document.errors, ...document.warnings].map((error) => ({
    path: "",
    message: error.code === "DUPLICATE_KEY" ? "names the same key twice" : `is no valid YAML: ${error.message}`,
    ...place(error.pos[0]),
  }));
}

function jsonFaults(text: string, document: Document.Parsed, place: (offset: number) => Place): Fault[] {
  try {
    JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const offset = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
    const said = message.replace(/ in JSON at position.*$/s, "").replace(/ \(line.*$/s, "");
    return [{ path: "", message: `is no valid JSON: ${said}`, ...place(offset) }];
  }
  const twice = document.errors.filter((error) => error.code === "DUPLICATE_KEY");
  return twice.map((error) => ({
    path: "",
    message: "names the same key twice",
    ...place(error.pos[0]),
  }));
}

function offsetOf(document: Document.Parsed, path: Path, spot: Spot): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, step] of path.entries()) {
    const found = stepInto(resolved(node, document), step);
    if (found === null) return offset;
    const last = index === path.length - 1;
    const keyStart = startOf(found.key);
    const valueStart = startOf(found.value);
    offset = (last && spot === "value" ? valueStart : keyStart) ?? keyStart ?? valueStart ?? offset;
    node = found.value;
  }
  return offset;
}

/** Each line of such a text ends as a line of the source does: what stands before it there is indentation, or a quote. */
function offsetWithin(document: Document.Parsed, { path, at, text }: { path: Path; at: number; text: string }): number {
  const start = offsetOf(document, path, "value");
  const node = resolved(document.getIn(path, true), document);
  if (!isScalar(node) || typeof node.value !== "string") return start;
  if (node.type !== "BLOCK_LITERAL") {
    const quoted = node.type === "QUOTE_SINGLE" || node.type === "QUOTE_DOUBLE" ? 1 : 0;
    return text.startsWith(node.value, start + quoted) ? start + quoted + at : start;
  }
  const before = node.value.slice(0, at).split("\n");
  let line = start;
  // The first line of the source is the header: `|`.
  for (let count = 0; count < before.length; count += 1) line = text.indexOf("\n", line) + 1;
  const end = text.indexOf("\n", line);
  const source = text.slice(line, end === -1 ? undefined : end).replace(/\r$/, "");
  const indent = source.length - (node.value.split("\n")[before.length - 1] ?? "").length;
  return line + Math.max(0, indent) + (before.at(-1) ?? "").length;
}

function stepInto(node: unknown, step: string | number): { key: unknown; value: unknown } | null {
  if (isMap(node)) {
    const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === String(step));
    return pair ? { key: pair.key, value: pair.value } : null;
  }
  if (isSeq(node) && typeof step === "number" && step < node.items.length) return { key: null, value: node.items[step] };
  return null;
}

function resolved(node: unknown, document: Document.Parsed): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function startOf(node: unknown): number | undefined {
  // Every parsed node carries its range; a null behind a key without a value has an empty one.
  return typeof node === "object" && node !== null && "range" in node ? (node as Node).range?.[0] : undefined;
}

/** `features.lookups[1]`, `data.sources["a b"]`. */
export function pathInWords(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}
