import { Runtime, DefaultLogger } from "@temporalio/worker";
import { readConfig } from "./config.ts";
import { connectPatiently } from "./worker/connect.ts";
import { createQueueWorker } from "./worker/queues.ts";

/**
 * A worker process: takes work from the task queues that COUNTERSIGN_QUEUES names. Heavy work and
 * other people's code get processes of their own; nothing but memory is shared within one.
 */
const config = readConfig(process.env, ["TEMPORAL_ADDRESS", "COUNTERSIGN_QUEUES"]);
Runtime.install({
  logger: new DefaultLogger(config.COUNTERSIGN_LOG_LEVEL === "debug" ? "DEBUG" : "WARN"),
  shutdownSignals: ["SIGINT", "SIGTERM"],
});

const connection = await connectPatiently(config.TEMPORAL_ADDRESS);
const workers = await Promise.all(config.COUNTERSIGN_QUEUES.map((queue) => createQueueWorker(queue, connection)));
process.stdout.write(`Takes work from ${config.COUNTERSIGN_QUEUES.join(", ")}.\n`);
try {
  await Promise.all(workers.map(({ worker }) => worker.run()));
} finally {
  await Promise.all(workers.map(({ close }) => close()));
  await connection.close();
}
