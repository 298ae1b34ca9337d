import { beforeAll, describe, expect, it } from "vitest";
import { loadDefinitionFile } from "../../cli/definition-file.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { pathInWords } from "../../domain/definition-text.ts";
import { governedChanges, governedPaths, needsGate } from "../../domain/governed-changes.ts";

let definition: ResolvedDefinition;
beforeAll(async () => {
  const loaded = await loadDefinitionFile("examples/credit-risk/model.yaml");
  if (!loaded.definition) throw new Error(JSON.stringify(loaded.faults));
  definition = loaded.definition;
  definition.evaluate.protected = ["sex"];
  definition.evaluate.thresholds = { auc: { pass: 0.75, fail: 0.65 }, brier: { pass: 0.2, fail: 0.25 } };
});

type Change = (changed: ResolvedDefinition) => void;
const table: [what: string, change: Change, path: string, direction: string, gate: boolean][] = [
  ["a lower tier", (d) => (d.tier = "low"), "tier", "loosened", true],
  ["a lower maturity", (d) => (d.maturity = "initial"), "maturity", "loosened", true],
  ["a higher maturity", (d) => (d.maturity = "optimized"), "maturity", "tightened", false],
  ["another owner team", (d) => (d.owner.team = "platform"), "owner.team", "changed", true],
  ["another named owner", (d) => (d.owner.person = "pia"), "owner.person", "changed", true],
  [
    "a softer threshold where more is better",
    (d) => (d.evaluate.thresholds.auc = { pass: 0.7, fail: 0.65 }),
    "evaluate.thresholds.auc.pass",
    "loosened",
    true,
  ],
  [
    "a harder threshold where more is better",
    (d) => (d.evaluate.thresholds.auc = { pass: 0.75, fail: 0.7 }),
    "evaluate.thresholds.auc.fail",
    "tightened",
    false,
  ],
  [
    "a softer threshold where less is better",
    (d) => (d.evaluate.thresholds.brier = { pass: 0.2, fail: 0.3 }),
    "evaluate.thresholds.brier.fail",
    "loosened",
    true,
  ],
  ["a threshold less", (d) => delete d.evaluate.thresholds.brier, "evaluate.thresholds.brier", "loosened", true],
  [
    "a threshold more",
    (d) => (d.evaluate.thresholds.logLoss = { pass: 0.6, fail: 0.7 }),
    "evaluate.thresholds.logLoss",
    "tightened",
    false,
  ],
  ["another holdout", (d) => (d.split.holdout = 0.2), "split.holdout", "changed", true],
  ["another way to split", (d) => (d.split.by = d.split.by === "time" ? "random" : "time"), "split.by", "changed", true],
  ["a protected attribute left out", (d) => (d.evaluate.protected = []), "evaluate.protected", "loosened", true],
  ["a protected attribute more", (d) => d.evaluate.protected.push("age"), "evaluate.protected", "tightened", false],
  ["drift noticed later", (d) => (d.monitor.drift.alert = 0.9), "monitor.drift.alert", "loosened", true],
  ["windows judged with fewer rows", (d) => (d.monitor.minimumRows = 10), "monitor.minimumRows", "tightened", false],
];

describe("between two definitions", () => {
  it.each(table)("%s is told with its direction", (_, change, path, direction, gate) => {
    const changed = structuredClone(definition);
    change(changed);
    const found = governedChanges(definition, changed);
    expect(found).toEqual([expect.objectContaining({ path, direction, sentence: expect.stringMatching(/^\S.*\.$/) })]);
    expect(needsGate(found)).toBe(gate);
    // The way back is told as well, the other way round.
    const back = { loosened: "tightened", tightened: "loosened", changed: "changed" }[direction];
    expect(governedChanges(changed, definition)).toEqual([expect.objectContaining({ path, direction: back })]);
  });

  it("nothing is told of what is not governed", () => {
    const changed = structuredClone(definition);
    changed.title = "Another question altogether";
    changed.train.seed = 7;
    changed.features.sql = `${changed.features.sql}\n-- another comment`;
    expect(governedChanges(definition, changed)).toEqual([]);
  });

  it("a swap of two protected attributes is a loosening and a tightening", () => {
    const changed = structuredClone(definition);
    changed.evaluate.protected = ["age"];
    expect(governedChanges(definition, changed).map((one) => [one.direction, one.sentence])).toEqual([
      ["loosened", "sex is a protected attribute no more."],
      ["tightened", "age is a protected attribute from now on."],
    ]);
  });

  it("all the fields of which the schema says so are compared, and they cover what governance is about", () => {
    expect(governedPaths.map(pathInWords)).toEqual(
      expect.arrayContaining(["owner", "tier", "maturity", "split", "evaluate.thresholds", "evaluate.protected", "monitor"]),
    );
  });
});
