import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/**
 * The import rules, proved by breaking each: files are planted in a copy of the layout, the linter
 * runs there with the real configuration, and what it says is compared with the table that
 * ARCHITECTURE.md shows. The linter thereby cannot fall silent without a test that fails.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));
const rooms = [
  "domain",
  "files",
  "ml",
  "charts",
  "artifacts",
  "db",
  "approvals",
  "activities",
  "workflows",
  "control",
  "api",
  "console",
  "serving",
  "cli",
  "slack-sandbox",
  "bin",
];
const all = [...rooms, "test", "bench", "deploy"];

interface Plant {
  path: string;
  import: string;
  typeOnly?: boolean;
}

let folder: string;
let table: Map<string, { rooms: string[]; packages: string[] }>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-imports-"));
  await copyFile(join(root, "oxlint.config.ts"), join(folder, "oxlint.config.ts"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await writeFile(join(folder, "tsconfig.json"), '{"compilerOptions":{"module":"nodenext","skipLibCheck":true}}');
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  table = await readTable();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Rows `| \`domain/\` | … | \`ml/\`, \`db/\` | \`zod\` |` of ARCHITECTURE.md. */
async function readTable(): Promise<typeof table> {
  const text = await readFile(join(root, "ARCHITECTURE.md"), "utf8");
  const names = (cell: string | undefined) =>
    [...(cell ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => (name ?? "").replace(/\/$/, ""));
  const rows = text.split("\n").flatMap((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    const room = /^`([a-z-]+)\/`$/.exec(cells[1] ?? "")?.[1];
    return room === undefined || cells.length < 6 ? [] : [[room, { rooms: names(cells[3]), packages: names(cells[4]) }] as const];
  });
  return new Map(rows);
}

/** What the linter finds fault with, as `<path> <import>`. */
async function refused(plants: Plant[]): Promise<Set<string>> {
  const paths = new Map<string, string>();
  for (const [index, plant] of plants.entries()) {
    const path = join(dirname(plant.path), `plant-${index}.ts`);
    paths.set(path, `${plant.path} ${plant.import}`);
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(
      join(folder, path),
      `import ${plant.typeOnly ? "type " : ""}{ x } from "${plant.import}";\nexport const y = x;\n`,
    );
  }
  const output = await lint();
  for (const path of paths.keys()) await rm(join(folder, path));
  return new Set(
    output.flatMap(({ filename, code }) => (code === "eslint(no-restricted-imports)" ? [paths.get(filename) ?? filename] : [])),
  );
}

function lint(): Promise<{ filename: string; code: string }[]> {
  const oxlint = join(root, "node_modules", "oxlint", "bin", "oxlint");
  return new Promise((resolve, reject) => {
    // Without types: the rule needs none, and the plants import what is not there.
    execFile(
      process.execPath,
      [oxlint, "--format", "json"],
      { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        try {
          const { diagnostics } = JSON.parse(stdout) as { diagnostics: { filename: string; code: string }[] };
          resolve(diagnostics);
        } catch {
          reject(new Error(`oxlint said nothing that can be read: ${stdout}${stderr}${error?.message ?? ""}`));
        }
      },
    );
  });
}

describe("what a room may import", () => {
  test("is told by ARCHITECTURE.md for every room that there is", async () => {
    expect([...table.keys()].filter((room) => rooms.includes(room)).sort()).toEqual([...rooms].sort());
    const entries = await readdir(root, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => name);
    const known = [...all, "docs", "examples", "node_modules", "slack", "python", "coverage"];
    expect(folders.filter((name) => !known.includes(name))).toEqual([]);
  });

  test("is exactly what the table says, from any depth, for every pair of rooms", async () => {
    const pairs = rooms.flatMap((from) => all.filter((to) => to !== from).map((to) => ({ from, to })));
    const plants = pairs.flatMap(({ from, to }) => [
      { path: `${from}/a.ts`, import: `../${to}/${target(from, to)}`, typeOnly: true },
      { path: `${from}/deep/a.ts`, import: `../../${to}/${target(from, to)}`, typeOnly: true },
    ]);
    const found = await refused(plants);
    const wrong = plants.filter((plant) => {
      const [, from = ""] = /^([a-z-]+)\//.exec(plant.path) ?? [];
      const [, to = ""] = /([a-z-]+)\/[^/]*$/.exec(plant.import) ?? [];
      // Workflows lie flat; what is deeper down may not reach across.
      if (from === "workflows" && to === "activities" && plant.path.includes("deep")) return false;
      const allowed =
        from === "bin" ? rooms.includes(to) : table.get(from)?.rooms.some((name) => name.split("/")[0] === to) === true;
      return found.has(`${plant.path} ${plant.import}`) === allowed;
    });
    expect(wrong.map(({ path, import: specifier }) => `${path} → ${specifier}`)).toEqual([]);
    expect(found.size).toBeGreaterThan(200);
  });

  test("is, of packages, what the table says and nothing else", async () => {
    const packages = [
      "zod",
      "yaml",
      "canonicalize",
      "kysely",
      "pg",
      "hono",
      "hono/html",
      "@hono/node-server",
      "commander",
      "pino",
      "fs",
      "vitest",
    ];
    const more = [
      "node:fs",
      "node:fs/promises",
      "node:crypto",
      "@temporalio/client",
      "@temporalio/workflow",
      "@temporalio/worker",
    ];
    const ml = [
      "@duckdb/node-api",
      "onnxruntime-node",
      "onnx-proto",
      "@temporalio/activity",
      "@temporalio/common",
      "log-update",
      "protobufjs",
    ];
    const plants = rooms
      .filter((room) => room !== "bin")
      .flatMap((room) => [...packages, ...more, ...ml].map((name) => ({ path: `${room}/a.ts`, import: name })));
    const found = await refused(plants);
    const wrong = plants.filter(({ path, import: name }) => {
      const may = table.get(path.split("/")[0] ?? "")?.packages ?? [];
      const allowed = may.some((one) =>
        one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one || name.startsWith(`${one}/`),
      );
      return found.has(`${path} ${name}`) === allowed;
    });
    expect(wrong.map(({ path, import: specifier }) => `${path} → ${specifier}`)).toEqual([]);
  });

  test("is narrower than a room where the design says so", async () => {
    const plants: Plant[] = [
      { path: "workflows/a.ts", import: "../activities/contract.ts" },
      { path: "workflows/a.ts", import: "../activities/train.ts", typeOnly: true },
      { path: "workflows/a.ts", import: "../domain/definition-schema.ts" },
      { path: "workflows/a.ts", import: "../domain/digest.ts" },
      { path: "control/a.ts", import: "../workflows/gate.ts" },
      { path: "domain/a.ts", import: "node:crypto" },
    ];
    const allowed: Plant[] = [
      { path: "workflows/b.ts", import: "../activities/contract.ts", typeOnly: true },
      { path: "workflows/b.ts", import: "../domain/definition-schema.ts", typeOnly: true },
      { path: "workflows/b.ts", import: "../domain/gate.ts" },
      { path: "control/b.ts", import: "../workflows/messages.ts" },
    ];
    expect([...(await refused([...plants, ...allowed]))].sort()).toEqual(
      plants.map((plant) => `${plant.path} ${plant.import}`).sort(),
    );
  });

  test("holds for re-exports and for imports at run time", async () => {
    await mkdir(join(folder, "ml"), { recursive: true });
    await writeFile(join(folder, "ml", "again.ts"), 'export { x } from "../db/database.ts";\n');
    await writeFile(join(folder, "ml", "later.ts"), 'export const x = await import("../db/database.ts");\n');
    await writeFile(join(folder, "ml", "bare.ts"), 'import "hono";\n');
    const found = (await lint()).filter(({ code }) => code === "eslint(no-restricted-imports)").map(({ filename }) => filename);
    expect(found.sort()).toEqual(["ml/again.ts", "ml/bare.ts", "ml/later.ts"]);
    for (const name of ["again", "later", "bare"]) await rm(join(folder, "ml", `${name}.ts`));
  });

  test("is free of circles", async () => {
    await mkdir(join(folder, "ml"), { recursive: true });
    await writeFile(join(folder, "ml", "one.ts"), 'import { two } from "./two.ts";\nexport const one = () => two;\n');
    await writeFile(join(folder, "ml", "two.ts"), 'import { one } from "./one.ts";\nexport const two = () => one;\n');
    const found = (await lint()).filter(({ code }) => code === "import(no-cycle)");
    expect(found.map(({ filename }) => filename).sort()).toEqual(["ml/one.ts", "ml/two.ts"]);
    for (const name of ["one", "two"]) await rm(join(folder, "ml", `${name}.ts`));
  });
});

/** A file of the other room that its narrower rules let through. */
function target(from: string, to: string): string {
  if (from === "workflows" && to === "activities") return "contract.ts";
  if (from === "control" && to === "workflows") return "messages.ts";
  return "thing.ts";
}
