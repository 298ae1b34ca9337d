import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { glob, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode } from "@temporalio/worker";

const root = fileURLToPath(new URL("../..", import.meta.url));
const entry = join(root, "workflows", "index.ts");
const cache = join(root, "node_modules", ".cache", "countersign");

/** What the bundle is made of: it is made anew when any of these changed, else taken again. */
const ingredients = ["workflows/**/*", "domain/**/*.ts", "activities/contract.ts", "package-lock.json"];

/** As `Worker.create` takes it. */
export type WorkflowBundle = { codePath: string } | { code: string };

/**
 * The workflows in one file, 1 to 4 s of work on the first start after a change; kept beside the
 * packages where that folder can be written, as it cannot in a container. Throws with the fault of
 * the code when it cannot be bundled.
 */
export async function bundleWorkflows(): Promise<WorkflowBundle> {
  const codePath = join(cache, `workflows-${await digestOfIngredients()}.js`);
  if (existsSync(codePath)) return { codePath };
  const silent = { trace() {}, debug() {}, info() {}, warn: console.warn, error() {}, log() {} };
  const { code } = await bundleWorkflowCode({ workflowsPath: entry, logger: silent });
  try {
    await mkdir(cache, { recursive: true });
    await writeFile(`${codePath}.${process.pid}`, code);
    await rename(`${codePath}.${process.pid}`, codePath);
    return { codePath };
  } catch {
    return { code };
  }
}

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
