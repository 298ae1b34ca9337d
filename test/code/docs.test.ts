import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { definitionReference } from "../../docs/definition-reference.ts";
import { gateReference } from "../../docs/gate-reference.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));

describe("the documents", () => {
  test("link to pages and files that exist", () => {
    expect(pages).toContain("README.md");
    const dead = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
        .map(([, target]) => target ?? "")
        .filter((target) => !existsSync(join(root, dirname(page), target)))
        .map((target) => `${page} → ${target}`),
    );
    expect(dead).toEqual([]);
  });

  test("name files and folders of the code that exist", () => {
    const top =
      "domain|workflows|approvals|activities|ml|artifacts|db|control|api|console|serving|cli|bin|deploy|bench|test|examples|docs";
    const gone = [
      "README.md",
      "ARCHITECTURE.md",
      "docs/operations.md",
      ...pages.filter((page) => page.startsWith("docs/decisions/")),
    ].flatMap((page) =>
      [...read(page).matchAll(new RegExp(`\`((?:${top})/[\\w./-]*)\``, "g"))]
        .map(([, path]) => path ?? "")
        .filter((path) => !existsSync(join(root, path)))
        .map((path) => `${page}: ${path}`),
    );
    // An example of a folder that there should not be.
    expect(gone.filter((line) => !line.endsWith("ml/db/"))).toEqual([]);
  });

  test("name scripts of package.json that exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const told = ["README.md", "ARCHITECTURE.md", "docs/operations.md"].map(read).join("\n");
    const named = [...told.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name ?? "");
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
    expect(named).toContain("check");
  });

  test("tell every setting that bin/config.ts reads, and none that it does not", () => {
    const known = [...read("bin/config.ts").matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name]) => name ?? "");
    const told = [...read("docs/operations.md").matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name ?? "");
    expect(known.length).toBeGreaterThan(20);
    expect(told.sort()).toEqual(known.sort());
  });
});

test("the definition reference is what the schema says (npm run docs writes it)", async () => {
  expect(read("docs/definition.md")).toBe(await definitionReference());
});

test("the page of gates is what the tables say (npm run docs writes it)", () => {
  expect(read("docs/gates.md")).toBe(gateReference());
});
