import { readFile } from "node:fs/promises";
import pino from "pino";
import { createCommandVerifier } from "../approvals/verify-command.ts";
import { createArtifactStore } from "../artifacts/artifact-store.ts";
import { startServing } from "../serving/service.ts";
import { readConfig } from "./config.ts";

/** The prediction server: a process of its own, so that no release, page or worker can take traffic down. */
const config = readConfig(process.env, [
  "DATABASE_URL",
  "COUNTERSIGN_ARTIFACTS",
  "COUNTERSIGN_SERVING_PORT",
  "COUNTERSIGN_VERIFY_KEY_FILE",
]);
const logger = pino({ name: "serving", level: config.COUNTERSIGN_LOG_LEVEL });
const serving = await startServing({
  databaseUrl: config.DATABASE_URL,
  store: createArtifactStore({ directory: config.COUNTERSIGN_ARTIFACTS }),
  verifier: createCommandVerifier({ publicKeyPem: await readFile(config.COUNTERSIGN_VERIFY_KEY_FILE, "utf8") }),
  host: config.COUNTERSIGN_SERVING_HOST,
  port: config.COUNTERSIGN_SERVING_PORT,
  logger,
});

let stopping = false;
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, "answers what is under way, then ends");
    void serving.stop().then(() => process.exit(0));
  });
}
