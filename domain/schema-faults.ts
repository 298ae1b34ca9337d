import { z } from "zod";
import type { Path, Spot } from "./definition-text.ts";
import { isRecord, valueAt } from "./loose-value.ts";
import { didYouMean, listed, suggest } from "./suggestion.ts";

/** A fault before its place in the text is known. `path` is as written, misspelt keys included. */
export interface Finding {
  path: Path;
  spot: Spot;
  message: string;
}

type Issue = z.core.$ZodIssue;

/** Each round puts one layer of misspelt keys right; a definition is four layers deep. */
const maxRounds = 5;

/**
 * Every fault of a value against a schema. A misspelt key is told once, with what was meant, and
 * the value is read as if it had been spelt right, so that the faults below it are told as well.
 * `output` is null when anything was found; `value` is the value as it was understood.
 */
export function schemaFaults<Output>(
  schema: z.ZodType<Output>,
  written: unknown,
): { output: Output | null; value: unknown; findings: Finding[]; asWritten(path: Path): Path } {
  const value: unknown = structuredClone(written);
  const renamed = new Map<string, string>();
  const asWritten = (path: Path): Path =>
    path.map((step, index) => (typeof step === "string" ? (renamed.get(keyOf([...path.slice(0, index), step])) ?? step) : step));
  const misspelt: Finding[] = [];
  for (let round = 0; round < maxRounds; round += 1) {
    const result = schema.safeParse(value);
    if (result.success) {
      const clean = misspelt.length === 0;
      return { output: clean ? result.data : null, value, findings: misspelt, asWritten };
    }
    const issues = result.error.issues.flatMap((issue) => flatten(issue));
    const before = misspelt.length;
    for (const issue of issues)
      if (issue.code === "unrecognized_keys") misspelt.push(...putRight({ issue, schema, value, renamed, asWritten }));
    if (misspelt.length > before) continue;
    const found = issues.flatMap((issue) => inWords(issue, schema, value)).map((one) => ({ ...one, path: asWritten(one.path) }));
    return { output: null, value, findings: [...misspelt, ...found], asWritten };
  }
  return { output: null, value, findings: misspelt, asWritten };
}

interface Repair {
  issue: Issue & { code: "unrecognized_keys" };
  schema: z.ZodType;
  value: unknown;
  renamed: Map<string, string>;
  asWritten(path: Path): Path;
}

/** Renames keys whose meaning is clear and whose right name is not taken, and says so. */
function putRight({ issue, schema, value, renamed, asWritten }: Repair): Finding[] {
  const path = issue.path.map(plainStep);
  const holder = valueAt(value, path);
  const known = knownKeys(schemaAt(schema, path));
  if (!isRecord(holder)) return [];
  return issue.keys.flatMap((key) => {
    const meant = suggest(
      key,
      known.filter((one) => !(one in holder)),
    );
    if (meant === null) return [];
    const writtenPath = [...asWritten(path), key];
    renamed.set(keyOf([...path, meant]), key);
    holder[meant] = holder[key];
    delete holder[key];
    return [{ path: writtenPath, spot: "key", message: `is not known here. Did you mean \`${meant}\`?` }];
  });
}

/** The issues of the branch of a union that was probably meant, in place of the union's own. */
function flatten(issue: Issue): Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const fitting = issue.errors.filter((branch) => !branch.some((one) => one.code === "invalid_type" && one.path.length === 0));
  // Fewer complaints win; a branch whose missing key was merely misspelt has one less.
  const weight = (branch: Issue[]) =>
    branch.length -
    (branch.some((one) => one.code === "unrecognized_keys" && one.keys.some((key) => suggest(key, missingIn(branch)) !== null))
      ? 1
      : 0);
  const best = fitting.toSorted((left, right) => weight(left) - weight(right))[0];
  if (best === undefined) return [issue];
  return best.map((one) => ({ ...one, path: [...issue.path, ...one.path] })).flatMap((one) => flatten(one));
}

function missingIn(branch: Issue[]): string[] {
  return branch.flatMap((one) => (one.code === "invalid_type" && one.path.length === 1 ? [String(one.path[0])] : []));
}

function inWords(issue: Issue, schema: z.ZodType, value: unknown): Finding[] {
  const path = issue.path.map(plainStep);
  const found = valueAt(value, path);
  const finding = (message: string, spot: Spot = "value"): Finding[] => [{ path, spot, message }];
  if (found === undefined && issue.code !== "unrecognized_keys") {
    const what = descriptionOf(schemaAt(schema, path));
    return finding(what === null ? "is missing" : `is missing: ${what}`, "key");
  }
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schemaAt(schema, path));
      return issue.keys.map((key) => ({
        path: [...path, key],
        spot: "key",
        message: `is not known here.${didYouMean(key, known) || ` Known are ${listed(known, "and")}.`}`,
      }));
    }
    case "invalid_key":
      return finding(`is no allowed name: it ${issue.issues[0]?.message ?? "is refused"}`, "key");
    case "invalid_type":
      // A `never` has its own words: there is nothing that it could have been.
      if (issue.expected === "never") return finding(issue.message);
      return finding(`must be ${typeName(issue.expected)}, not ${shown(found)}`);
    case "invalid_value": {
      const allowed = issue.values.map(String);
      return finding(
        `must be ${listed(allowed)}, not ${shown(found)}.${typeof found === "string" ? didYouMean(found, allowed) : ""}`,
      );
    }
    case "invalid_union":
      return finding(issue.errors.length === 0 ? issue.message : `must be ${unionTypes(issue)}, not ${shown(found)}`);
    case "too_small":
    case "too_big":
      return finding(boundInWords(issue));
    default:
      return finding(issue.message);
  }
}

function unionTypes(issue: Issue & { code: "invalid_union" }): string {
  const types = issue.errors.flatMap((branch) =>
    branch.flatMap((one) => (one.code === "invalid_type" ? [typeName(one.expected)] : [])),
  );
  return [...new Set(types)].join(" or ");
}

function boundInWords(issue: Issue & { code: "too_small" | "too_big" }): string {
  const small = issue.code === "too_small";
  const bound = small ? issue.minimum : issue.maximum;
  const plural = Number(bound) !== 1;
  const unit =
    issue.origin === "string"
      ? plural
        ? " characters"
        : " character"
      : issue.origin === "array"
        ? plural
          ? " entries"
          : " entry"
        : "";
  if (unit !== "") return `must have ${small ? "at least" : "at most"} ${bound}${unit}`;
  if (issue.inclusive === false) return `must be ${small ? "more" : "less"} than ${bound}`;
  return `must be at ${small ? "least" : "most"} ${bound}`;
}

function typeName(expected: string): string {
  const names: Record<string, string> = {
    string: "text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    object: "a mapping",
    record: "a mapping",
    array: "a list",
  };
  return names[expected] ?? expected;
}

/** What stands there, short enough for a message. */
export function shown(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  const text = typeof value === "string" ? `\`${value}\`` : `the ${typeof value} ${JSON.stringify(value)}`;
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The schema at a path, through optionals, defaults, records, lists and the fitting branch of a union; with its wrappers, which carry the description. */
function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | null {
  let present: z.core.$ZodType | null = schema;
  for (const step of path) {
    let holder: z.core.$ZodType | null = present === null ? null : bare(present);
    if (holder instanceof z.ZodUnion)
      holder =
        holder.options
          .map((option) => bare(option))
          .find((option) => option instanceof z.ZodObject && String(step) in option.shape) ?? null;
    if (holder instanceof z.ZodObject) present = (holder.shape as Record<string, z.core.$ZodType>)[String(step)] ?? null;
    else if (holder instanceof z.ZodRecord) present = holder.valueType;
    else if (holder instanceof z.ZodArray) present = holder.element;
    else return null;
  }
  return present;
}

function bare(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable
  )
    return bare(schema.def.innerType);
  return schema instanceof z.ZodPipe ? bare(schema.def.out) : schema;
}

function knownKeys(schema: z.core.$ZodType | null): string[] {
  const inner = schema === null ? null : bare(schema);
  if (inner instanceof z.ZodObject) return Object.keys(inner.shape);
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => knownKeys(option));
  return [];
}

function descriptionOf(schema: z.core.$ZodType | null): string | null {
  if (schema === null) return null;
  const own = z.globalRegistry.get(schema)?.description;
  const inner = bare(schema);
  return own ?? (inner === schema ? null : (z.globalRegistry.get(inner)?.description ?? null));
}

function plainStep(step: PropertyKey): string | number {
  return typeof step === "symbol" ? String(step) : step;
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}
