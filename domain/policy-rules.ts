import { conditionFindings } from "./condition-rules.ts";
import { fault } from "./definition-rule.ts";
import type { Path } from "./definition-text.ts";
import { durationMs } from "./duration-text.ts";
import { isRecord, numberAt, textAt, textsAt, valueAt } from "./loose-value.ts";
import { gateStages, ownerTeam } from "./policy.ts";
import { rulePlaces } from "./policy-schema.ts";
import { inputFindings, parameterFindings } from "./policy-value-rules.ts";
import type { Finding } from "./schema-faults.ts";

/**
 * What the schema of policies cannot say: how its parts fit together, and what no policy may ever
 * say. Lenient as the rules of definitions are, so that all faults are told at once.
 */
export function policyRuleFindings(policy: unknown): Finding[] {
  const tier = textAt(policy, ["tier"]);
  return [
    ...rulesIn(policy).flatMap((one) => gateFindings(one, tier)),
    ...namedTwice(policy, "gates"),
    ...namedTwice(policy, "external"),
    ...gateOrder(policy),
    ...someGate(policy, tier),
  ];
}

/** That nobody is asked is for the lowest tier. */
function someGate(policy: unknown, tier: string | null): Finding[] {
  const gates = valueAt(policy, ["gates"]) ?? [];
  if (tier === null || tier === "low" || !Array.isArray(gates) || gates.length > 0) return [];
  return [fault(["gates"], `name no gate: above the lowest tier people decide (tier is ${tier})`, "key")];
}

/** A rule within a policy: a gate of a release, one of the four single gates, or one for other people's workflows. */
export interface PlacedRule {
  path: Path;
  rule: Record<string, unknown>;
  kind: "gates" | "external" | (typeof rulePlaces)[number];
}

export function rulesIn(policy: unknown): PlacedRule[] {
  const lists = (["gates", "external"] as const).flatMap((kind) =>
    listAt(policy, [kind]).flatMap((rule, index): PlacedRule[] => (isRecord(rule) ? [{ path: [kind, index], rule, kind }] : [])),
  );
  const single = rulePlaces.flatMap((kind): PlacedRule[] => {
    const rule = valueAt(policy, [kind]);
    return isRecord(rule) ? [{ path: [kind], rule, kind }] : [];
  });
  return [...lists, ...single];
}

function gateFindings(placed: PlacedRule, tier: string | null): Finding[] {
  const { path, rule, kind } = placed;
  const after = kind === "gates" ? textAt(rule, ["after"]) : null;
  return [
    ...deciderFindings(placed),
    ...tierFindings(placed, tier),
    ...timeFindings(placed),
    ...inputFindings(rule, path),
    ...parameterFindings(rule, path),
    ...conditionFindings(rule["when"], [...path, "when"], after),
    ...(rule["conditional"] !== undefined && !versionAt(kind, after)
      ? [fault([...path, "conditional"], "has no effect here: only the approval of a version can lapse", "key")]
      : []),
  ];
}

/** Before `train` there is nothing whose approval could be taken back. */
function versionAt(kind: PlacedRule["kind"], after: string | null): boolean {
  return kind === "gates" && (after === null || after === "train" || after === "evaluate");
}

function deciderFindings({ path, rule, kind }: PlacedRule): Finding[] {
  const groups = textsAt(rule, ["groups"]);
  const each = textsAt(rule, ["oneFromEach"]);
  const people = textsAt(rule, ["people"]);
  const found: Finding[] = [];
  if (groups.length + each.length + people.length === 0)
    found.push(fault(path, "names nobody who decides: `groups`, `people` or `oneFromEach`", "key"));
  const quorum = numberAt(rule, ["quorum"]) ?? 1;
  if (each.length > quorum)
    found.push(
      fault(
        rule["quorum"] === undefined ? [...path, "oneFromEach"] : [...path, "quorum"],
        `asks for ${quorum} approval${quorum === 1 ? "" : "s"}, but \`oneFromEach\` names ${each.length} groups, and one person fills one place`,
      ),
    );
  if (groups.length + each.length === 0 && people.length > 0 && new Set(people).size < quorum)
    found.push(
      fault([...path, "quorum"], `can never be met: ${quorum} approvals, and ${new Set(people).size} named to give them`, "key"),
    );
  for (const [member, names] of [
    ["oneFromEach", each],
    ["groups", groups],
    ["people", people],
  ] as const)
    for (const [index, name] of names.entries())
      if (name !== "" && names.indexOf(name) !== index)
        found.push(fault([...path, member, index], `names \`${name}\` a second time`));
  return [...found, ...barredFindings(rule, path), ...ownerFindings({ path, rule, kind })];
}

function barredFindings(rule: Record<string, unknown>, path: Path): Finding[] {
  const barred = { groups: textsAt(rule, ["barred", "groups"]), people: textsAt(rule, ["barred", "people"]) };
  const each = textsAt(rule, ["oneFromEach"]);
  const clashes = [
    ...each.flatMap((group, index) =>
      group !== "" && barred.groups.includes(group) ? [{ at: ["oneFromEach", index], name: group }] : [],
    ),
    ...textsAt(rule, ["people"]).flatMap((person, index) =>
      person !== "" && barred.people.includes(person) ? [{ at: ["people", index], name: person }] : [],
    ),
    ...textsAt(rule, ["groups"]).flatMap((group, index) =>
      group !== "" && barred.groups.includes(group) ? [{ at: ["groups", index], name: group }] : [],
    ),
  ];
  return clashes.map(({ at, name }) => fault([...path, ...at], `names \`${name}\`, which \`barred\` bars from deciding`));
}

/** Other people's subjects belong to no team that the product knows. */
function ownerFindings({ path, rule, kind }: PlacedRule): Finding[] {
  if (kind !== "external") return [];
  const places: Path[] = [
    ["groups"],
    ["oneFromEach"],
    ["barred", "groups"],
    ...escalationSteps(rule).map((_, index) => ["escalation", index, "groups"]),
  ];
  return places.flatMap((place) =>
    textsAt(rule, place).flatMap((group, index) =>
      group === ownerTeam
        ? [
            fault(
              [...path, ...place, index],
              `cannot be \`${ownerTeam}\`: the subject of somebody else's workflow has no owner team`,
            ),
          ]
        : [],
    ),
  );
}

/** What only the lowest tier may say: machines decide, and time approves. */
function tierFindings({ path, rule }: PlacedRule, tier: string | null): Finding[] {
  if (tier === null || tier === "low") return [];
  return [
    ...(rule["machines"] === true
      ? [fault([...path, "machines"], `is for the lowest tier only (tier is ${tier}): here people decide`)]
      : []),
    ...(rule["onDeadline"] === "approve"
      ? [fault([...path, "onDeadline"], `cannot be \`approve\` above the lowest tier (tier is ${tier}): \`hold\` or \`reject\``)]
      : []),
  ];
}

function timeFindings({ path, rule, kind }: PlacedRule): Finding[] {
  const found: Finding[] = [];
  const deadline = millis(rule, ["deadline"]);
  const maxAge = millis(rule, ["maxAge"]);
  const holds = (rule["onDeadline"] ?? "hold") === "hold";
  if (rulePlaces.some((one) => one === kind) && rule["maxAge"] !== undefined)
    found.push(fault([...path, "maxAge"], "has no effect here: what this gate asks about does not age", "key"));
  if (maxAge !== null && !holds)
    found.push(
      fault([...path, "maxAge"], "has no effect: the gate is closed at its deadline (`onDeadline` is not `hold`)", "key"),
    );
  if (maxAge !== null && deadline !== null && maxAge < deadline)
    found.push(
      fault([...path, "maxAge"], "is shorter than the deadline, which would never come: each renewed request starts anew"),
    );
  const reminders = listAt(rule, ["remindAt"]).map((one) => (typeof one === "number" ? one : null));
  for (const [index, share] of reminders.entries()) {
    const before = reminders[index - 1];
    if (share !== null && typeof before === "number" && share <= before)
      found.push(fault([...path, "remindAt", index], `comes before the one above it (${before}); write them in order`));
  }
  const end = holds ? maxAge : deadline;
  let last = 0;
  for (const index of escalationSteps(rule).keys()) {
    const after = millis(rule, ["escalation", index, "after"]);
    if (after === null) continue;
    const at: Path = [...path, "escalation", index, "after"];
    if (after <= last) found.push(fault(at, "is not after the step above it; write the chain in order"));
    if (end !== null && after >= end)
      found.push(fault(at, `is never reached: ${holds ? "the request is renewed" : "the gate closes"} before`));
    last = Math.max(last, after);
  }
  return found;
}

function namedTwice(policy: unknown, kind: "gates" | "external"): Finding[] {
  const names = listAt(policy, [kind]).map((gate) => textAt(gate, ["name"]));
  return names.flatMap((name, index) =>
    name !== null && names.indexOf(name) !== index
      ? [fault([kind, index, "name"], `is \`${name}\` a second time; each gate has its own name`)]
      : [],
  );
}

/** Gates open in the order of the stages; another order in the text would mislead its reader. */
function gateOrder(policy: unknown): Finding[] {
  const stages = listAt(policy, ["gates"]).map((gate) => gateStages.findIndex((one) => one === textAt(gate, ["after"])));
  return stages.flatMap((stage, index) =>
    stage >= 0 && index > 0 && stage < (stages[index - 1] ?? 0)
      ? [fault(["gates", index, "after"], "comes before the gate above it; write gates in the order of the stages")]
      : [],
  );
}

function escalationSteps(rule: unknown): unknown[] {
  return listAt(rule, ["escalation"]);
}

export function listAt(value: unknown, path: Path): unknown[] {
  const found = valueAt(value, path);
  return Array.isArray(found) ? found : [];
}

function millis(value: unknown, path: Path): number | null {
  const text = textAt(value, path);
  return text === null ? null : durationMs(text);
}
