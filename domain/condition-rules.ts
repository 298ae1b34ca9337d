import { higherIsBetter, metricsOf, unbounded } from "./evidence.ts";
import { fault } from "./definition-rule.ts";
import type { Path } from "./definition-text.ts";
import { isRecord, numberAt, textAt, textsAt, valueAt } from "./loose-value.ts";
import { gateStages } from "./policy.ts";
import type { Finding } from "./schema-faults.ts";
import { tasks } from "./task.ts";

/**
 * Whether a condition can ever apply. One that cannot would be a gate that never opens while its
 * author believes in it, so the policy is refused. Reads leniently, as the other rules do.
 */
export function conditionFindings(condition: unknown, path: Path, after: string | null): Finding[] {
  if (!isRecord(condition)) return [];
  const single = singleFindings(condition, path, after);
  if (single.length > 0) return single;
  return canApply(condition)
    ? []
    : [fault(path, "can never apply: no evidence fulfils all of it at once, so the gate would never open", "key")];
}

const joints = ["all", "any", "not"] as const;
/** From which stage on there are facts to answer it. */
const knownAfter: Record<string, { stage: (typeof gateStages)[number]; what: string }> = {
  metricWorse: { stage: "evaluate", what: "the evaluation" },
  verdict: { stage: "evaluate", what: "the evaluation" },
  protectedGroupAffected: { stage: "evaluate", what: "the evaluation" },
  contractWarned: { stage: "validate", what: "the validation of the data" },
};

function singleFindings(condition: Record<string, unknown>, path: Path, after: string | null): Finding[] {
  const keys = Object.keys(condition);
  if (keys.length === 0) return [fault(path, "names no condition")];
  if (keys.length > 1)
    return [fault(path, `names ${keys.length} conditions side by side (${keys.join(", ")}); join them by \`all\` or \`any\``)];
  const [key = ""] = keys;
  const found: Finding[] = [];
  for (const { condition: part, path: at } of parts(condition)) found.push(...singleFindings(part, [...path, ...at], after));
  const known = knownAfter[key];
  const stage = gateStages.findIndex((one) => one === after);
  if (known && stage >= 0 && stage < gateStages.indexOf(known.stage))
    found.push(fault([...path, key], `can never apply to a gate after \`${after}\`: ${known.what} comes later`, "key"));
  const by = numberAt(condition, ["metricWorse", "by"]);
  const metric = textAt(condition, ["metricWorse", "metric"]);
  if (
    by !== null &&
    by >= 1 &&
    metric !== null &&
    metric in higherIsBetter &&
    metric !== "r2" &&
    !unbounded.some((one) => one === metric)
  )
    found.push(fault([...path, key, "by"], `can never apply: ${metric} lies between 0 and 1, so nothing is worse by ${by}`));
  return found;
}

function parts(condition: Record<string, unknown>): { condition: Record<string, unknown>; path: Path }[] {
  return joints.flatMap((joint) => {
    const value = condition[joint];
    if (isRecord(value)) return [{ condition: value, path: [joint] }];
    return Array.isArray(value)
      ? value.flatMap((one, index) => (isRecord(one) ? [{ condition: one, path: [joint, index] }] : []))
      : [];
  });
}

/** More leaves than this are not searched through: 2^12 worlds take a few milliseconds. */
const mostLeaves = 12;

type World = ReadonlyMap<string, boolean>;

/** Tries all that may be true together. */
function canApply(condition: Record<string, unknown>): boolean {
  const leaves = [...new Map(leavesOf(condition).map((leaf) => [JSON.stringify(leaf), leaf]))];
  if (leaves.length > mostLeaves) return true;
  for (let bits = 0; bits < 2 ** leaves.length; bits += 1) {
    const world: World = new Map(leaves.map(([key], index) => [key, (bits & (1 << index)) !== 0]));
    if (possible(leaves, world) && holds(condition, world)) return true;
  }
  return false;
}

function leavesOf(condition: Record<string, unknown>): Record<string, unknown>[] {
  return joints.some((joint) => joint in condition) ? parts(condition).flatMap((one) => leavesOf(one.condition)) : [condition];
}

function holds(condition: Record<string, unknown>, world: World): boolean {
  const inner = parts(condition).map((one) => holds(one.condition, world));
  if ("all" in condition) return inner.every(Boolean);
  if ("any" in condition) return inner.some(Boolean);
  if ("not" in condition) return !inner.some(Boolean);
  return world.get(JSON.stringify(condition)) === true;
}

/** What excludes what: without a champion nothing is worse than it, and no model has the metrics of two tasks. */
function possible(leaves: [string, Record<string, unknown>][], world: World): boolean {
  const yes = leaves.filter(([key]) => world.get(key)).map(([, leaf]) => leaf);
  const no = leaves.filter(([key]) => !world.get(key)).map(([, leaf]) => leaf);
  const worse = yes.flatMap((leaf) => textAt(leaf, ["metricWorse", "metric"]) ?? []);
  const first = yes.some((leaf) => "firstRelease" in leaf);
  if (first && (worse.length > 0 || yes.some((leaf) => "governedFieldChanged" in leaf))) return false;
  if (worse.length > 0 && !tasks.some((task) => worse.every((metric) => metricsOf[task].some((one) => one === metric))))
    return false;
  if (yes.some((leaf) => verdictOf(leaf) === "fail") && no.some((leaf) => verdictOf(leaf) === "warn")) return false;
  const triggered = yes.filter((leaf) => "triggeredBy" in leaf).map((leaf) => textsAt(leaf, ["triggeredBy"]));
  const [some = []] = triggered;
  const barred = new Set(no.flatMap((leaf) => textsAt(leaf, ["triggeredBy"])));
  if (triggered.length > 0 && !some.some((one) => triggered.every((set) => set.includes(one)) && !barred.has(one))) return false;
  return !contradictoryMargins(yes, no);
}

function verdictOf(leaf: Record<string, unknown>): string | null {
  return textAt(leaf, ["verdict", "atLeast"]);
}

/** Worse by more than 0.1 is worse by more than 0.05 as well. */
function contradictoryMargins(yes: Record<string, unknown>[], no: Record<string, unknown>[]): boolean {
  const margin = (leaf: Record<string, unknown>) => numberAt(leaf, ["metricWorse", "by"]) ?? 0;
  return yes.some((one) =>
    no.some((other) => {
      const metric = valueAt(one, ["metricWorse", "metric"]);
      return metric !== undefined && metric === valueAt(other, ["metricWorse", "metric"]) && margin(one) >= margin(other);
    }),
  );
}
