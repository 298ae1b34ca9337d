import { bundleWorkflowCode } from "@temporalio/worker";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { glob, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const entry = join(root, "workflows", "index.ts");

/** What the bundle is made of: it is made anew when any of these changed (1 to 4 s), else taken again. */
const ingredients = [
  "workflows/**/*",
  "domain/**/*.ts",
  "activities/**/contract*.ts",
  "activities/contract/**/*.ts",
  "package-lock.json",
];

async function digestOfIngredients(): Promise<string> {
  const hash = createHash("sha256");
  const files: string[] = [];
  for await (const file of glob(ingredients, { cwd: root, withFileTypes: true })) {
    if (file.isFile()) files.push(join(file.parentPath, file.name));
  }
  files.sort();
  for (const file of files)
    hash
      .update(file)
      .update("\0")
      .update(await readFile(file));
  return hash.digest("hex").slice(0, 16);
}

/** The file with the bundled workflows, or why there is none: only the tests that need it fail then. */
export type WorkflowBundle = { codePath: string } | { fault: string };

/** Bundles the workflows once for all test files. */
export async function bundleWorkflows(): Promise<WorkflowBundle> {
  if (!existsSync(entry)) return { fault: "there is no workflows/index.ts" };
  const folder = join(root, "node_modules", ".cache", "countersign");
  const codePath = join(folder, `workflows-${await digestOfIngredients()}.js`);
  if (existsSync(codePath)) return { codePath };
  const silent = { trace() {}, debug() {}, info() {}, warn: console.warn, error() {}, log() {} };
  try {
    const { code } = await bundleWorkflowCode({ workflowsPath: entry, logger: silent });
    await mkdir(folder, { recursive: true });
    await writeFile(`${codePath}.${process.pid}`, code);
    await rename(`${codePath}.${process.pid}`, codePath);
    return { codePath };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}
