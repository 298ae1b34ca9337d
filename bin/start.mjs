/** `npm start`: installs what is missing, on any Node from 20 on, then goes on as bin/dev.ts under Node 24. */
import { join } from "node:path";
import { ensureAll } from "./setup/ensure.mjs";
import { handOver } from "./setup/hand-over.mjs";

const { root, node, temporal } = await ensureAll();
handOver(node, [join(root, "bin", "dev.ts"), ...process.argv.slice(2)], {
  env: { COUNTERSIGN_TEMPORAL_CLI: temporal },
  channel: true,
});
