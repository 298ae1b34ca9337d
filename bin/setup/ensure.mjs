import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureCommandLink } from "./command-link.mjs";
import { ensureNode } from "./node.mjs";
import { ensurePackages } from "./packages.mjs";
import { createSteps, SetupError } from "./steps.mjs";
import { ensureTemporalCli } from "./temporal-cli.mjs";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const oldestMajor = 20;

/**
 * Sees to everything that a command needs and gives `{ root, node, temporal }`, the paths of the
 * checkout, of a Node 24 and of the Temporal CLI. Silent, and without network, when all is there.
 * What is missing and cannot be had ends the process with one message and exit code 1.
 */
export async function ensureAll() {
  try {
    if (Number(process.versions.node.split(".")[0]) < oldestMajor) {
      throw new SetupError(`Node ${oldestMajor} or later is needed to begin with; this is ${process.version}.`);
    }
    const steps = createSteps();
    await ensurePackages({ root, steps });
    await ensureCommandLink({ root });
    const node = await ensureNode({ root, steps });
    const temporal = await ensureTemporalCli({ steps });
    return { root, node, temporal };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    process.exit(1);
  }
}
