import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

/** What the sandbox of a workflow does not have must not compile there either. */
const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-workflow-types-"));
  await mkdir(join(folder, "workflows"));
  for (const path of ["tsconfig.json", "workflows/tsconfig.json"]) await copyFile(join(root, path), join(folder, path));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function compile(): Promise<string> {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, "-p", "workflows"], { cwd: folder }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

test("a workflow that uses Node, the network or a page does not compile", async () => {
  const forbidden = {
    process: "export const x = process.env;",
    fetch: 'export const x = fetch("http://example.org");',
    "node:fs": 'export { readFileSync } from "node:fs";',
    Buffer: 'export const x = Buffer.from("a");',
    setTimeout: "setTimeout(() => undefined, 1);",
    document: "export const x = document;",
    crypto: "export const x = crypto.randomUUID();",
  };
  for (const [index, text] of Object.values(forbidden).entries())
    await writeFile(join(folder, "workflows", `plant-${index}.ts`), `${text}\n`);
  const output = await compile();
  for (const [index, name] of Object.keys(forbidden).entries())
    expect(output, `${name} compiles`).toMatch(new RegExp(`plant-${index}\\.ts.*Cannot find .*'${name}'`));
  for (const index of Object.keys(forbidden).keys()) await rm(join(folder, "workflows", `plant-${index}.ts`));
});

test("a workflow that uses the SDK compiles", async () => {
  await writeFile(
    join(folder, "workflows", "sound.ts"),
    'import { sleep } from "@temporalio/workflow";\nexport async function nap(): Promise<void> {\n  await sleep("1 minute");\n}\n',
  );
  expect(await compile()).toBe("");
});
