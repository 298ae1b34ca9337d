import { describe, expect, it, test } from "vitest";
import { stringify } from "yaml";
import { builtInPolicies } from "../../domain/built-in-policies.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { durationMs, durationText } from "../../domain/duration-text.ts";
import { checkPolicy } from "../../domain/policy-check.ts";
import { authoredPolicy } from "../../domain/policy-form.ts";
import { maturities, tiers, type Policy } from "../../domain/policy.ts";
import { wholePolicy } from "./sample-policy.ts";

const dayMs = 86_400_000;

function checked(text: string): Policy {
  const { policy, faults } = checkPolicy(text, { format: "yaml", nextVersion: 1 });
  expect(faults).toEqual([]);
  if (!policy) throw new Error("It has no faults and no policy.");
  return policy;
}

describe("a policy as people write it", () => {
  it("becomes milliseconds and defaults", () => {
    const policy = checked(wholePolicy);
    expect(policy).toMatchObject({ id: "everything", version: 1, revalidation: { everyMs: 365 * dayMs, onOverdue: "revoke" } });
    const [data, promotion] = policy.gates;
    expect(data).toMatchObject({
      quorum: 1,
      rejections: 1,
      machines: false,
      onDeadline: "hold",
      remindAt: [0.5, 0.8],
      deadlineMs: 1.5 * dayMs,
    });
    expect(promotion).toMatchObject({
      escalation: [
        { groups: ["platform"], afterMs: 3 * dayMs },
        { groups: ["product"], afterMs: 7 * dayMs },
      ],
      maxAgeMs: 14 * dayMs,
      conditional: { maxMs: 30 * dayMs },
    });
    expect(policy.change).toMatchObject({ name: "change" });
    expect(policy.breakGlass).toMatchObject({ name: "break-glass" });
  });

  it("has one digest, whether it is written in YAML or JSON, with its defaults or without", () => {
    const policy = checked(wholePolicy);
    const again = authoredPolicy(policy);
    const json = checkPolicy(JSON.stringify(again), { format: "json", nextVersion: 1 });
    expect(json.faults).toEqual([]);
    expect(digestOfJson(json.policy)).toBe(digestOfJson(policy));
    expect(digestOfJson(checked(stringify(again)))).toBe(digestOfJson(policy));
    const spelt = wholePolicy.replace(
      "    deadline: 36h",
      "    deadline: 36h\n    quorum: 1\n    machines: false\n    freshness: { champion: true, drift: true }",
    );
    expect(digestOfJson(checked(spelt))).toBe(digestOfJson(policy));
  });

  it("takes the version that comes next, and no other", () => {
    const versioned = wholePolicy.replace("title:", "version: 3\ntitle:");
    expect(checkPolicy(versioned, { format: "yaml", nextVersion: 3 }).policy?.version).toBe(3);
    expect(checkPolicy(versioned, { format: "yaml", nextVersion: 4 }).faults).toEqual([
      { path: "version", message: "is 3; the next one is 4", line: 2, column: 10 },
    ]);
  });
});

test("durations are read as they are written", () => {
  expect(["500ms", "90s", "45m", "36h", "7d", "2w"].map(durationMs)).toEqual([
    500,
    90_000,
    2_700_000,
    129_600_000,
    7 * dayMs,
    14 * dayMs,
  ]);
  expect(["7", "7 d", "-1d", "0d", "1mo", "1.5h", ""].map(durationMs)).toEqual(Array(7).fill(null));
  for (const text of ["500ms", "90s", "45m", "36h", "7d"]) expect(durationText(durationMs(text) ?? 0)).toBe(text);
});

describe("the policies that come with the product", () => {
  it("are one for each tier and maturity", () => {
    expect(builtInPolicies.map(({ tier, maturities: fits }) => [tier, fits])).toEqual(
      tiers.flatMap((tier) => maturities.map((maturity) => [tier, [maturity]])),
    );
  });

  it.each(builtInPolicies)("$id holds all the rules, and is the same when it is published again from what is shown", (policy) => {
    expect(digestOfJson(checked(stringify(authoredPolicy(policy))))).toBe(digestOfJson(policy));
    expect(policy).toMatchObject({ change: expect.any(Object), breakGlass: expect.any(Object), owner: "model-risk" });
  });

  it("ask nobody at low and initial, and more with every step up", () => {
    const asked = (id: string) => {
      const gates = builtInPolicies.find((policy) => policy.id === id)?.gates ?? [];
      return gates.reduce((sum, gate) => sum + gate.quorum, 0);
    };
    expect(asked("low-initial")).toBe(0);
    for (const tier of tiers) {
      const steps = maturities.map((maturity) => asked(`${tier}-${maturity}`));
      expect(steps, tier).toEqual(steps.toSorted((one, other) => one - other));
    }
    expect(asked("high-optimized")).toBe(4);
  });

  // Databases hold them: a text that changes under its version would keep every instance from starting.
  it("keep the texts that were published", () => {
    expect(Object.fromEntries(builtInPolicies.map((policy) => [policy.id, digestOfJson(policy).slice(7, 19)])))
      .toMatchInlineSnapshot(`
        {
          "high-initial": "b2da30a46503",
          "high-integrated": "671aababe589",
          "high-managed": "53cdaa061aa3",
          "high-optimized": "30c80bf48d97",
          "low-initial": "8fb38b451318",
          "low-integrated": "bd0e0eb401f1",
          "low-managed": "3eeac8517a8a",
          "low-optimized": "1ba01f15cea5",
          "medium-initial": "bf89418ccb36",
          "medium-integrated": "1b90c7927f87",
          "medium-managed": "3fb41f07a4d4",
          "medium-optimized": "2f8e7471cb02",
        }
      `);
  });
});
