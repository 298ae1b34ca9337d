import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../domain/canonical-json.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { gateIdPattern, parseReleaseId, releaseIdPattern } from "../../domain/ids.ts";
import { commandText } from "../../domain/signed-command.ts";

describe("canonical JSON", () => {
  it("spells numbers, strings and keys as RFC 8785 does", () => {
    // The example of section 3.2.2 of the RFC.
    const value = {
      numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '€$\u000f\nA\'B"\\\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it("refuses what JSON cannot hold", () => {
    expect(() => canonicalJson({ auc: Number.NaN })).toThrow();
  });

  it("gives two writers of the same fact the same digest", () => {
    expect(digestOfJson({ b: 1, a: [2, { d: 3, c: 4 }] })).toBe(digestOfJson({ a: [2, { c: 4, d: 3 }], b: 1 }));
  });
});

describe("the text of a command", () => {
  const command = {
    id: "cmd_1",
    principal: "grace",
    groups: ["model-risk"],
    surface: "api" as const,
    at: "2026-01-01T00:00:00.000Z",
    body: { kind: "rollback" as const, model: "flight-delays", environment: "production", to: null, reason: "worse" },
  };

  it("changes with every member", () => {
    const texts = [
      commandText(command),
      commandText({ ...command, id: "cmd_2" }),
      commandText({ ...command, principal: "george" }),
      commandText({ ...command, groups: [] }),
      commandText({ ...command, surface: "cli" }),
      commandText({ ...command, at: "2026-01-01T00:00:00.001Z" }),
      commandText({ ...command, body: { ...command.body, to: "flight-delays.1" } }),
    ];
    expect(new Set(texts).size).toBe(texts.length);
  });
});

describe("ids", () => {
  it("are told apart by their form alone", () => {
    expect(parseReleaseId("flight-delays.12")).toEqual({ model: "flight-delays", number: 12 });
    expect(parseReleaseId("flight-delays.0")).toBeNull();
    expect(releaseIdPattern.test("a/b.1")).toBe(false);
    expect(gateIdPattern.test("flight-delays.3.promotion.1")).toBe(true);
    expect(gateIdPattern.test("ext.payroll.4711")).toBe(true);
    expect(gateIdPattern.test("flight-delays.3.promotion")).toBe(false);
  });
});
