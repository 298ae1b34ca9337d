import { Runtime, DefaultLogger, NativeConnection } from "@temporalio/worker";
import { createQueueWorker } from "../bin/worker/queues.ts";

/**
 * The product's own worker of the queue `lifecycle`, which says twice a second what it holds. Started by
 * gate-stand.ts with the environment of bin/worker.ts; ends when its starter goes.
 */
export interface Holding {
  rssBytes: number;
  /** Seconds of processor time so far. */
  cpuSeconds: number;
  cachedWorkflows: number;
  /** Slots that are taken at this moment. */
  workflowTasks: number;
  activities: number;
}

Runtime.install({ logger: new DefaultLogger("ERROR"), telemetryOptions: { logging: { filter: "ERROR", forward: {} } } });
const connection = await NativeConnection.connect({ address: process.env["TEMPORAL_ADDRESS"] ?? "" });
const { worker, close } = await createQueueWorker("lifecycle", connection);

function holding(): Holding {
  const status = worker.getStatus();
  const { user, system } = process.cpuUsage();
  return {
    rssBytes: process.memoryUsage().rss,
    cpuSeconds: (user + system) / 1e6,
    cachedWorkflows: status.numCachedWorkflows,
    workflowTasks: status.numInFlightWorkflowActivations,
    activities: status.numInFlightActivities,
  };
}

// Its starter may just have gone; that is heard by `disconnect`.
const telling = setInterval(() => process.send?.(holding(), () => undefined), 500);
process.once("disconnect", () => worker.shutdown());
await worker.run();
clearInterval(telling);
await close();
await connection.close();
