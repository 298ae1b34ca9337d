import { describe, expect, it } from "vitest";
import { checkPolicy } from "../../domain/policy-check.ts";
import { wholePolicy } from "./sample-policy.ts";

/** Each breaks the whole policy in one way. */
const broken: { name: string; replace: [string, string]; path: string; says: RegExp }[] = [
  { name: "a misspelt key", replace: ["skippable:", "skipable:"], path: "skipable", says: /Did you mean `skippable`/ },
  { name: "an unknown tier", replace: ["tier: medium", "tier: middle"], path: "tier", says: /must be .*`medium`/ },
  {
    name: "an unknown maturity",
    replace: ["[managed, integrated]", "[manged]"],
    path: "maturities[0]",
    says: /Did you mean `managed`/,
  },
  { name: "no owner", replace: ["owner: model-risk\n", ""], path: "owner", says: /is missing: the group whose members propose/ },
  {
    name: "no gate above the lowest tier",
    replace: ["gates:", "gates: []\nextra:"],
    path: "gates",
    says: /above the lowest tier people decide/,
  },
  {
    name: "a name that no id could hold",
    replace: ["name: promotion", "name: Promotion.1"],
    path: "gates[1].name",
    says: /lower-case/,
  },
  { name: "two gates of one name", replace: ["name: promotion", "name: data"], path: "gates[1].name", says: /a second time/ },
  {
    name: "gates against the order of the stages",
    replace: ["after: evaluate", "after: ingest"],
    path: "gates[1].after",
    says: /order of the stages/,
  },
  {
    name: "a deadline that is no duration",
    replace: ["deadline: 36h", "deadline: 36 hours"],
    path: "gates[0].deadline",
    says: /such as 90s, 36h or 7d/,
  },
  {
    name: "a deadline in milliseconds",
    replace: ["deadline: 36h", "deadline: 3600000"],
    path: "gates[0].deadline",
    says: /must be text/,
  },
  {
    name: "nobody who decides",
    replace: ["groups: [model-risk]\n    deadline: 36h", "deadline: 36h"],
    path: "gates[0]",
    says: /names nobody who decides/,
  },
  {
    name: "more places than approvals",
    replace: ["oneFromEach: [model-risk]", "oneFromEach: [model-risk, product, platform]"],
    path: "gates[1].quorum",
    says: /one person fills one place/,
  },
  {
    name: "a quorum that named people cannot give",
    replace: ["groups: [model-risk]\n    deadline: 36h", "people: [pia]\n    quorum: 2\n    deadline: 36h"],
    path: "gates[0].quorum",
    says: /can never be met/,
  },
  {
    name: "somebody who is named and barred",
    replace: ["people: [ben]", "people: [pia]"],
    path: "gates[1].people[0]",
    says: /`barred` bars/,
  },
  {
    name: "a group named twice",
    replace: ["groups: [model-risk, $owner]", "groups: [model-risk, model-risk]"],
    path: "gates[1].groups[1]",
    says: /second time/,
  },
  {
    name: "machines above the lowest tier",
    replace: ["rejections: 2", "machines: true"],
    path: "gates[1].machines",
    says: /lowest tier only/,
  },
  {
    name: "time that approves above the lowest tier",
    replace: ["onDeadline: hold", "onDeadline: approve"],
    path: "gates[1].onDeadline",
    says: /`hold` or `reject`/,
  },
  {
    name: "an unknown outcome of the deadline",
    replace: ["onDeadline: hold", "onDeadline: wait"],
    path: "gates[1].onDeadline",
    says: /`hold`/,
  },
  {
    name: "an age below the deadline",
    replace: ["maxAge: 14d", "maxAge: 5d"],
    path: "gates[1].maxAge",
    says: /shorter than the deadline/,
  },
  {
    name: "an age where the deadline closes the gate",
    replace: ["onDeadline: hold", "onDeadline: reject"],
    path: "gates[1].maxAge",
    says: /closed at its deadline/,
  },
  {
    name: "an age of a gate whose evidence does not age",
    replace: ["May this model be retired?, ", "May this model be retired?, maxAge: 8d, "],
    path: "retirement.maxAge",
    says: /does not age/,
  },
  {
    name: "escalation out of order",
    replace: ["after: 1w", "after: 1d"],
    path: "gates[1].escalation[1].after",
    says: /not after the step above/,
  },
  {
    name: "escalation that never comes",
    replace: ["after: 1w", "after: 20d"],
    path: "gates[1].escalation[1].after",
    says: /never reached/,
  },
  { name: "reminders out of order", replace: ["[0.25, 0.5]", "[0.5, 0.25]"], path: "gates[1].remindAt[1]", says: /in order/ },
  {
    name: "an input without bounds",
    replace: ["type: number, min: 0.01, max: 0.5, default: 0.1", "type: number"],
    path: "gates[1].inputs[0]",
    says: /no bounds: a number needs `min` and `max`/,
  },
  {
    name: "an input with the wrong bounds",
    replace: ["maxLength: 200", "maxLength: 200, min: 1"],
    path: "gates[1].inputs[3].min",
    says: /means nothing for a text/,
  },
  {
    name: "an input's default out of bounds",
    replace: ["default: 0.1", "default: 0.9"],
    path: "gates[1].inputs[0].default",
    says: /outside its own bounds, 0.01 to 0.5/,
  },
  {
    name: "a default that is no option",
    replace: ["default: north", "default: nort"],
    path: "gates[1].inputs[2].default",
    says: /none of the options. Did you mean `north`/,
  },
  { name: "an input named twice", replace: ["name: soak", "name: share"], path: "gates[1].inputs[1].name", says: /second time/ },
  {
    name: "a parameter that no release has",
    replace: ["train.l2:", "l2:"],
    path: "gates[1].changes.l2",
    says: /no parameter of a release/,
  },
  {
    name: "a parameter without bounds",
    replace: ["seed: { min: 0, max: 1000 }", "seed: {}"],
    path: "gates[1].changes.seed",
    says: /no bounds/,
  },
  {
    name: "a metric that nothing computes",
    replace: ["metric: auc", "metric: acu"],
    path: "gates[1].when.not.all[1].metricWorse.metric",
    says: /Did you mean `auc`/,
  },
  {
    name: "a metric that cannot be so much worse",
    replace: ["by: 0.01", "by: 1"],
    path: "gates[1].when.not.all[1].metricWorse.by",
    says: /can never apply/,
  },
  {
    name: "a condition on what comes later",
    replace: ["{ contractWarned: true }", "{ protectedGroupAffected: true }"],
    path: "gates[0].when.any[0].protectedGroupAffected",
    says: /the evaluation comes later/,
  },
  {
    name: "an unknown condition",
    replace: ["{ driftOpen: true }", "{ driftOpened: true }"],
    path: "gates[0].when.any[1].driftOpened",
    says: /Did you mean `driftOpen`/,
  },
  {
    name: "two conditions side by side",
    replace: ["{ driftOpen: true }", "{ driftOpen: true, firstRelease: true }"],
    path: "gates[0].when.any[1]",
    says: /side by side/,
  },
  {
    name: "a condition of nothing",
    replace: ["when: { any: [{ contractWarned: true }, { driftOpen: true }] }", "when: {}"],
    path: "gates[0].when",
    says: /names no condition/,
  },
  {
    name: "an unknown trigger",
    replace: ["[drift, schedule]", "[drift, cron]"],
    path: "gates[1].when.not.all[2].triggeredBy[1]",
    says: /must be/,
  },
  {
    name: "a condition that contradicts itself",
    replace: [
      "{ any: [{ contractWarned: true }, { driftOpen: true }] }",
      "{ all: [{ driftOpen: true }, { not: { driftOpen: true } }] }",
    ],
    path: "gates[0].when",
    says: /can never apply: no evidence/,
  },
  {
    name: "the owner team of somebody else's subject",
    replace: ["May this go on?, groups: [model-risk]", "May this go on?, groups: [$owner]"],
    path: "external[0].groups[0]",
    says: /has no owner team/,
  },
  {
    name: "conditions where there is no version",
    replace: ["deadline: 36h", "deadline: 36h\n    conditional: { within: 1d }"],
    path: "gates[0].conditional",
    says: /only the approval of a version can lapse/,
  },
  {
    name: "an unknown consequence of an overdue validation",
    replace: ["onOverdue: revoke", "onOverdue: delete"],
    path: "revalidation.onOverdue",
    says: /must be `finding` or `revoke`/,
  },
];

describe("a policy with a fault", () => {
  it.each(broken)("is refused for $name, at its place", ({ replace: [from, to], path, says }) => {
    expect(wholePolicy).toContain(from);
    const { policy, faults } = checkPolicy(wholePolicy.replace(from, to), { format: "yaml", nextVersion: 1 });
    expect(policy).toBeNull();
    const found = faults.find((one) => one.path === path);
    expect(found, JSON.stringify(faults)).toMatchObject({ message: expect.stringMatching(says), line: expect.any(Number) });
    expect(found?.line, "a place within the text, not its beginning").toBeGreaterThan(
      found?.message.startsWith("is missing") ? 0 : 1,
    );
  });

  it("tells all its faults at once, in the order of the text", () => {
    const text = broken
      .filter(({ name }) =>
        [
          "an unknown tier",
          "a deadline that is no duration",
          "an input's default out of bounds",
          "a parameter that no release has",
        ].includes(name),
      )
      .reduce((whole, { replace: [from, to] }) => whole.replace(from, to), wholePolicy);
    const { faults } = checkPolicy(text, { format: "yaml", nextVersion: 1 });
    expect(faults.map((one) => one.path)).toEqual([
      "tier",
      "gates[0].deadline",
      "gates[1].inputs[0].default",
      "gates[1].changes.l2",
    ]);
    expect(faults.map((one) => one.line)).toEqual([3, 13, 37, 46]);
  });

  it.each([
    ["", /is empty/],
    ["- a\n- list", /must be a mapping/],
    ["policy: x\npolicy: y", /same key twice/],
    ["policy: [", /is no valid YAML/],
  ])("is refused when it is no mapping at all: %j", (text, says) => {
    const { policy, faults } = checkPolicy(text, { format: "yaml", nextVersion: 1 });
    expect(policy).toBeNull();
    expect(faults.map((one) => one.message).join()).toMatch(says);
  });
});
