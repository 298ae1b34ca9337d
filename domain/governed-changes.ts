import { z } from "zod";
import { definitionSchema } from "./definition-schema.ts";
import type { ResolvedDefinition } from "./definition-schema.ts";
import type { Path } from "./definition-text.ts";
import { pathInWords } from "./definition-text.ts";
import { higherIsBetter, metricNames } from "./evidence.ts";
import { isRecord, valueAt } from "./loose-value.ts";
import { maturities, tiers } from "./policy.ts";

export type ChangeDirection = "loosened" | "tightened" | "changed";

/** One governed field that differs between two definitions. */
export interface GovernedChange {
  /** Such as `evaluate.thresholds.auc.pass`. */
  path: string;
  before: unknown;
  after: unknown;
  /** `changed` where neither way asks for less; such a change passes the same gate as a loosening. */
  direction: ChangeDirection;
  /** A whole sentence. */
  sentence: string;
}

/**
 * What differs in the governed fields of two definitions, in the order of the schema. Which fields
 * are governed, the schema itself says; a field that nothing here knows is `changed`, so that a new
 * one is never let through.
 */
export function governedChanges(before: ResolvedDefinition, after: ResolvedDefinition): GovernedChange[] {
  return governedPaths.flatMap((path) => differences(path, valueAt(before, path), valueAt(after, path)));
}

/** Whether a gate has to be passed before such changes are in force. */
export function needsGate(changes: readonly GovernedChange[]): boolean {
  return changes.some((one) => one.direction !== "tightened");
}

export const governedPaths: readonly Path[] = findGoverned(definitionSchema, []);

function findGoverned(schema: z.core.$ZodType, path: Path): Path[] {
  if (z.globalRegistry.get(schema)?.["governed"] === true) return [path];
  const inner = unwrapped(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  const shape = inner.shape as Record<string, z.core.$ZodType>;
  return Object.entries(shape).flatMap(([name, child]) => findGoverned(child, [...path, name]));
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const wrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable;
  return wrapped ? unwrapped(schema.def.innerType) : schema;
}

function differences(path: Path, before: unknown, after: unknown): GovernedChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (isNameSet(path)) return setDifferences(path, before, after);
  if (isRecord(before) || isRecord(after)) {
    const whole = wholeDifference(path, before, after);
    if (whole) return [whole];
    const names = new Set([...Object.keys(isRecord(before) ? before : {}), ...Object.keys(isRecord(after) ? after : {})]);
    return [...names].flatMap((name) => differences([...path, name], valueAt(before, [name]), valueAt(after, [name])));
  }
  const direction = directionOf(path, before, after);
  return [
    {
      path: pathInWords(path),
      before: before ?? null,
      after: after ?? null,
      direction,
      sentence: sentenceOf(path, before, after),
    },
  ];
}

/** A threshold or a limit as a whole that appears or goes: what was asked for is asked for no more, or the other way. */
function wholeDifference(path: Path, before: unknown, after: unknown): GovernedChange | null {
  const bound = isThreshold(path) || isFairnessLimit(path);
  if (!bound || (before !== undefined && after !== undefined)) return null;
  const gone = after === undefined;
  const name = pathInWords(path);
  return {
    path: name,
    before: before ?? null,
    after: after ?? null,
    direction: gone ? "loosened" : "tightened",
    sentence: gone ? `${name} is asked for no more (it was ${shown(before)}).` : `${name} is asked for anew: ${shown(after)}.`,
  };
}

function isThreshold(path: Path): boolean {
  return path.length === 3 && path[0] === "evaluate" && path[1] === "thresholds";
}

function isFairnessLimit(path: Path): boolean {
  return path.length === 3 && path[0] === "evaluate" && path[1] === "fairness";
}

function isNameSet(path: Path): boolean {
  return path.join(".") === "evaluate.protected";
}

function setDifferences(path: Path, before: unknown, after: unknown): GovernedChange[] {
  const old = namesOf(before);
  const now = namesOf(after);
  const name = pathInWords(path);
  const entry = (direction: ChangeDirection, sentence: string): GovernedChange => ({
    path: name,
    before: old,
    after: now,
    direction,
    sentence,
  });
  return [
    ...old.filter((one) => !now.includes(one)).map((one) => entry("loosened", `${one} is a protected attribute no more.`)),
    ...now.filter((one) => !old.includes(one)).map((one) => entry("tightened", `${one} is a protected attribute from now on.`)),
  ];
}

function namesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** Fields where more, or less, asks for less. */
const scales: { matches: RegExp; looser: "higher" | "lower"; order?: readonly string[] }[] = [
  { matches: /^tier$/, looser: "lower", order: tiers },
  { matches: /^maturity$/, looser: "lower", order: maturities },
  { matches: /^evaluate\.judgeBy$/, looser: "lower", order: ["value", "interval"] },
  // Fewer windows and smaller groups are judged.
  { matches: /^monitor\.minimumRows$/, looser: "higher" },
  { matches: /^monitor\.drift\.(warn|alert)$/, looser: "higher" },
  { matches: /^evaluate\.fairness\.minimumRows$/, looser: "higher" },
  { matches: /^evaluate\.fairness\.selectionRateRatio\./, looser: "lower" },
  { matches: /^evaluate\.fairness\./, looser: "higher" },
  ...metricNames.map((metric) => ({
    matches: new RegExp(`^evaluate\\.thresholds\\.${metric}\\.`),
    looser: higherIsBetter[metric] ? ("lower" as const) : ("higher" as const),
  })),
];

function directionOf(path: Path, before: unknown, after: unknown): ChangeDirection {
  const name = pathInWords(path);
  const scale = scales.find((one) => one.matches.test(name));
  if (!scale) return "changed";
  const [from, to] = [rankOf(before, scale.order), rankOf(after, scale.order)];
  if (from === null || to === null) return "changed";
  return to > from === (scale.looser === "higher") ? "loosened" : "tightened";
}

/** What is left out of an ordered list means its first word. */
function rankOf(value: unknown, order: readonly string[] | undefined): number | null {
  if (order === undefined) return typeof value === "number" ? value : null;
  const rank = order.indexOf(typeof value === "string" ? value : (order[0] ?? ""));
  return rank < 0 ? null : rank;
}

function sentenceOf(path: Path, before: unknown, after: unknown): string {
  const name = pathInWords(path);
  if (before === undefined) return `${name} is said for the first time: ${shown(after)}.`;
  if (after === undefined) return `${name} is said no more; it was ${shown(before)}.`;
  return `${name} goes from ${shown(before)} to ${shown(after)}.`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
