import { hostname } from "node:os";
import { Connection } from "@temporalio/client";
import { taskQueues } from "../activities/contract.ts";
import { readConfig } from "../bin/config.ts";

/**
 * Ends with 0 when Temporal has seen this machine's worker ask for work on each of its queues in the
 * last 90 s. A worker asks at least once a minute; one that hangs or lost its way to the server stops,
 * which nothing on the machine itself would show.
 */
const freshMs = 90_000;
/** As in Temporal's own numbering: workflow tasks, activities. */
const pollerKind = { lifecycle: 1, stages: 2, train: 2, notify: 2 } as const;

const config = readConfig(process.env, ["TEMPORAL_ADDRESS", "COUNTERSIGN_QUEUES"]);
const connection = await Connection.connect({ address: config.TEMPORAL_ADDRESS, connectTimeout: 5_000 });
try {
  for (const queue of config.COUNTERSIGN_QUEUES) {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace: config.TEMPORAL_NAMESPACE,
      taskQueue: { name: taskQueues[queue] },
      taskQueueType: pollerKind[queue],
    });
    // The SDK's identity of a worker is `<pid>@<hostname>`.
    const ours = (pollers ?? []).filter(({ identity }) => identity?.endsWith(`@${hostname()}`));
    const last = Math.max(0, ...ours.map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000));
    if (Date.now() - last > freshMs) {
      process.stderr.write(`No worker of ${hostname()} takes work from ${queue}.\n`);
      process.exitCode = 1;
    }
  }
} finally {
  await connection.close();
}
