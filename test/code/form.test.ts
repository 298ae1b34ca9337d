import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { formFaults, maxLines } from "./form.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** What git knows or would take up, and what is there: the files of the project. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));
const textual = files.filter((path) => /(\.(ts|mts|mjs|json|ya?ml|md|sql|sh|py|css|txt)|Dockerfile|run|\.npmrc)$/.test(path));

describe("each file of the project", () => {
  test("keeps to its budget, names no machine and leaves nothing to do", () => {
    expect(textual.length).toBeGreaterThan(100);
    const recorded = /(^package-lock\.json$|^test\/workflows\/histories\/|\.schema\.json$)/;
    const faults = textual.filter((path) => !recorded.test(path)).flatMap((path) => formFaults(path, read(path)));
    expect(faults.map(({ path, line, rule }) => `${path}:${line} ${rule}`)).toEqual([]);
  });

  test("is as small as a clone should be", () => {
    const large = files.filter((path) => readFileSync(join(root, path)).length > 12 * 1024 * 1024);
    expect(large).toEqual([]);
  });
});

describe("the rules of form", () => {
  const rulesOf = (path: string, text: string) => formFaults(path, text).map(({ rule }) => rule);
  test.each([
    ["a path of one machine", `const x = "/${"work"}/main/file";`, "machine path"],
    ["somebody's home", `cd /${"root"}/.cache`, "machine path"],
    ["a registry", `fetch("https://${"registry.npm" + "js"}.org/zod")`, "registry host"],
    ["what is left to do", `// ${"TO" + "DO"} later`, "left to do"],
    ["a check switched off", `// @ts-${"ignore"}`, "checks switched off"],
    ["a private key", `-----BEGIN ${"PRIVATE"} KEY-----`, "private key"],
    ["a merge left over", `${"<".repeat(7)} HEAD`, "merge left over"],
  ])("find %s", (_what, text, rule) => {
    expect(rulesOf("ml/plant.ts", `const before = 1;\n${text}\n`)).toEqual([rule]);
  });

  test.each(["only", "skip", "todo"])("find a test with .%s", (word) => {
    expect(
      rulesOf("test/ml/plant.test.ts", `test.${word}("a", () => {});\ndescribe.concurrent.${word}("b", () => {});\n`),
    ).toEqual(["test left out", "test left out"]);
  });

  test("count lines", () => {
    expect(rulesOf("ml/plant.ts", "x;\n".repeat(maxLines))).toEqual([]);
    expect(rulesOf("ml/plant.ts", "x;\n".repeat(maxLines + 1))).toEqual([`more than ${maxLines} lines`]);
  });

  test("look at names", () => {
    expect(rulesOf("ml/trainBaseline.ts", "")).toEqual(["name not in kebab case"]);
    expect(rulesOf("ml/utils/sum.ts", "")).toEqual(["name that says nothing"]);
    expect(rulesOf("ml/metrics/bootstrap.ts", "")).toEqual([]);
  });

  test("let ordinary code pass", () => {
    expect(rulesOf("ml/plant.ts", 'import { work } from "../work/thing.ts";\nconst path = "/api/models";\n')).toEqual([]);
  });
});

describe("dependencies", () => {
  test("have a line each in docs/decisions/dependencies.md, and no line is left over", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;
    const used = Object.keys({ ...dependencies, ...devDependencies }).sort();
    const told = [...read("docs/decisions/dependencies.md").matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name ?? "");
    expect(used.length).toBeGreaterThan(20);
    expect(told.sort()).toEqual(used);
  });
});

describe("the workflow bundle", () => {
  /** All files that are code in the bundle: `import type` is gone by then. */
  function reach(path: string, seen: Map<string, string[]>): Map<string, string[]> {
    if (seen.has(path)) return seen;
    const specifiers = [
      ...read(path).matchAll(/^\s*(?:import|export)\b(?!\s+type\b)[^"';]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gm),
    ].map(([, from, bare]) => from ?? bare ?? "");
    seen.set(path, specifiers);
    for (const specifier of specifiers.filter((one) => one.startsWith("."))) reach(join(path, "..", specifier), seen);
    return seen;
  }

  test("holds workflows, pure rules of domain/ and the SDK, no zod and nothing of Node", () => {
    const graph = reach("workflows/index.ts", new Map());
    expect(graph.size).toBeGreaterThan(10);
    expect([...graph.keys()].filter((path) => !/^(workflows|domain)\//.test(path))).toEqual([]);
    const packages = new Set([...graph.values()].flat().filter((one) => !one.startsWith(".")));
    expect([...packages].sort()).toEqual(["@temporalio/common", "@temporalio/workflow"]);
  });
});
