/** `npm test`: installs what is missing, on any Node from 20 on, then runs all tests under Node 24; arguments go to Vitest. */
import { join } from "node:path";
import { ensureAll } from "./setup/ensure.mjs";
import { handOver } from "./setup/hand-over.mjs";

const { root, node, temporal } = await ensureAll();
process.chdir(root);
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
handOver(node, [vitest, "run", ...process.argv.slice(2)], {
  env: { COUNTERSIGN_TEMPORAL_CLI: temporal },
});
