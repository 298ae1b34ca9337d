import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadDefinitionFile } from "../../cli/definition-file.ts";
import { checkDefinition } from "../../domain/definition-check.ts";
import { suggest } from "../../domain/suggestion.ts";
import { broken } from "./broken-definitions.ts";

const example = "examples/flight-delays";
let folder = "";
let sound = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-definitions-"));
  for (const name of ["model.yaml", "contract.yaml", "features.sql"]) await cp(join(example, name), join(folder, name));
  sound = await readFile(join(folder, "model.yaml"), "utf8");
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function loadText(text: string, name = "broken.yaml") {
  const path = join(folder, name);
  await writeFile(path, text);
  return { path, ...(await loadDefinitionFile(path)) };
}

function placeOf(text: string, marked: string): { line: number; column: number } {
  const before = text.slice(0, text.indexOf(marked)).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

describe("a definition", () => {
  it.each(["flight-delays", "credit-risk"])("of the example %s is sound, with its files in place", async (name) => {
    const { definition, faults } = await loadDefinitionFile(`examples/${name}/model.yaml`);
    expect(faults).toEqual([]);
    expect(definition?.features.sql).toContain("row_id");
    expect(definition?.contract["kind"]).toBe("DataContract");
  });

  it.each(broken)("with $name is told at its place", async ({ replace, marked, path, says }) => {
    const text = sound.replace(replace[0], () => replace[1]);
    expect(text).not.toBe(sound);
    const loaded = await loadText(text);
    expect(loaded.definition).toBeNull();
    const fault = loaded.faults.find((one) => one.path === path);
    expect(fault?.message, JSON.stringify(loaded.faults)).toContain(says);
    expect({ line: fault?.line, column: fault?.column }).toEqual(placeOf(text, marked));
    expect(fault?.file).toBe(loaded.path);
    expect(loaded.faults, JSON.stringify(loaded.faults)).toHaveLength(1);
  });

  it("with many mistakes tells all of them at once, also below a misspelt key", async () => {
    const text = sound
      .replace("features:\n", "featurs:\n")
      .replace("carrier: string", "carrier: sting")
      .replace("tier: medium", "tier: medum")
      .replace("rows: flights", "rows: flihgts")
      .replace("pass: 0.64", "pass: 0.5");
    const { faults } = await loadText(text);
    expect(faults.map((one) => one.path)).toEqual([
      "tier",
      "data.rows",
      "featurs",
      "featurs.request.carrier",
      "evaluate.thresholds.auc",
    ]);
  });

  it("tells the faults of its contract at their places in the contract's own file", async () => {
    const contract = await readFile(join(folder, "contract.yaml"), "utf8");
    const text = contract
      .replace("logicalType: timestamp", "logicalType: timestmp")
      .replace("- name: flights", "- name: flihgts");
    await writeFile(join(folder, "broken-contract.yaml"), text);
    const { faults } = await loadText(sound.replace("file: contract.yaml", "file: broken-contract.yaml"));
    const file = join(folder, "broken-contract.yaml");
    expect(faults).toEqual([
      expect.objectContaining({
        file,
        path: "schema[0].name",
        ...placeOf(text, "flihgts"),
        message: expect.stringContaining("Did you mean `flights`?"),
      }),
      expect.objectContaining({
        file,
        path: "schema[0].properties[5].logicalType",
        ...placeOf(text, "timestmp"),
        message: expect.stringContaining("Did you mean `timestamp`?"),
      }),
    ]);
  });

  it("through the API may name no file", () => {
    const { definition, faults } = checkDefinition(sound, { format: "yaml", filesAllowed: false });
    expect(definition).toBeNull();
    expect(faults.map((one) => one.path)).toEqual(["contract", "features.sql"]);
  });

  it("in JSON is checked alike, and its faults have places too", async () => {
    const { definition } = await loadText(sound, "sound.yaml");
    const text = JSON.stringify({ ...definition, tier: "hihg" }, null, 2);
    const { faults } = checkDefinition(text, { format: "json", filesAllowed: false });
    expect(faults).toEqual([expect.objectContaining({ path: "tier", ...placeOf(text, '"hihg"') })]);
    expect(checkDefinition(JSON.stringify(definition), { format: "json", filesAllowed: false }).definition).toEqual(definition);
  });

  it.each([
    ["nothing", "", "is empty"],
    ["a sentence", "just text", "must be a mapping"],
    ["an open bracket", "model: [", "is no valid YAML"],
    ["a thousand brackets", `model: ${"[".repeat(1000)}`, "nested more than 64 levels"],
    ["two documents", "model: a\n---\nmodel: b", "is no valid YAML"],
    ["a tag", "model: !!js/function 'x'", "is no valid YAML"],
    ["an anchor in itself", "model: &a [*a]", "refers to itself"],
    [
      "aliases that multiply",
      `a: &a [1,1,1,1,1,1,1,1,1]\n${"bcdefgh"
        .split("")
        .map((name, index) => `${name}: &${name} [${`*${"abcdefgh"[index]},`.repeat(9)}]`)
        .join("\n")}`,
      "cannot be read",
    ],
    ["two million letters", `title: ${"x".repeat(2_000_000)}`, "is larger than"],
  ])("that is %s is refused with a sentence", (_name, text, says) => {
    const { definition, faults } = checkDefinition(text, { format: "yaml", filesAllowed: false });
    expect(definition).toBeNull();
    expect(faults.map((one) => one.message).join("; ")).toContain(says);
  });

  it("is never more than faults, whatever text comes", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.constantFrom("yaml" as const, "json" as const), (text, format) => {
        const { definition, faults } = checkDefinition(text, { format, filesAllowed: false });
        expect(definition === null).toBe(faults.length > 0);
        for (const fault of faults) expect(fault.line).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a suggestion", () => {
  it.each([
    ["featrues", "features"],
    ["log_loss", "logLoss"],
    ["holdoutt", "holdout"],
    ["param", "parameters"],
  ])("for %s is %s", (written, meant) => {
    expect(suggest(written, ["model", "features", "logLoss", "holdout", "parameters"])).toBe(meant);
  });

  it("is not made where nothing is near", () => {
    expect(suggest("approvals", ["model", "features", "label"])).toBeNull();
  });
});
