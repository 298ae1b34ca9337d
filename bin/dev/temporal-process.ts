import { chmod } from "node:fs/promises";
import { Connection } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";
import { baseEnvironment } from "./environment.ts";
import { searchAttributes, temporalArgs } from "./temporal.ts";
import type { Home } from "./home.ts";
import type { InstancePorts } from "./instance-ports.ts";
import type { ProcessSpec } from "./supervision/supervised-process.ts";

export const namespace = "default";
/** start-dev keeps closed workflows for a day; a person may want to look at last week's. */
const retention = "30 days";
/** The first start writes the schema: 2 s on two idle cores. */
const readyWithinMs = 60_000;
/** temporal.api.enums.v1.IndexedValueType */
const keywordType = 2;

/** The instance's Temporal server with its file. */
export async function prepareTemporal(options: {
  home: Home;
  cli: string;
  ports: InstancePorts;
}): Promise<{ spec: ProcessSpec; address: string }> {
  const { home, cli, ports } = options;
  // Those that an earlier version left open to all.
  for (const file of ["", "-wal", "-shm"].map((ending) => `${home.temporalFile}${ending}`))
    await chmod(file, 0o600).catch(() => undefined);
  const address = `127.0.0.1:${ports.temporal}`;
  const args = temporalArgs({
    port: ports.temporal,
    uiPort: ports.temporalUi,
    otherPorts: { http: ports.temporalHttp, metrics: ports.temporalMetrics },
    databaseFile: home.temporalFile,
  });
  return {
    address,
    // The CLI ends on SIGINT and SIGTERM alike, in well under a second.
    spec: {
      name: "temporal",
      command: cli,
      args,
      env: baseEnvironment(),
      isReady: () => hasNamespace(address),
      readyWithinMs,
      stopSignal: "SIGTERM",
      // It would write the histories for all users of the machine to read.
      umask: 0o077,
    },
  };
}

async function hasNamespace(address: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } finally {
    await connection.close();
  }
}

/**
 * Registers what a file made by an earlier start may lack: search attributes, and how long closed
 * workflows are kept.
 */
export async function ensureNamespace(address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace,
    });
    const missing = searchAttributes.filter((name) => customAttributes?.[name] === undefined);
    if (missing.length > 0) {
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map((name) => [name, keywordType])),
      });
    }
    await connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: msToTs(retention) },
    });
  } finally {
    await connection.close();
  }
}

/** temporal.api.enums.v1.TaskQueueType */
const queueTypes = { workflow: 1, activity: 2 } as const;

/** Tells whether workers poll; on one connection, made when it is first used: asking is frequent while all processes start. */
export function createPollWatch(address: string) {
  const connection = Connection.lazy({ address });
  return {
    /** Whether a worker has asked that queue for work since `since`: then it is up. */
    async isPolled(options: { queue: string; type: keyof typeof queueTypes; since: Date }): Promise<boolean> {
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: options.queue },
        taskQueueType: queueTypes[options.type],
      });
      // The server's time is cut to whole seconds here, ours is not.
      return (pollers ?? []).some(
        ({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000 + 999 >= options.since.getTime(),
      );
    },
  };
}
