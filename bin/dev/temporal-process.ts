import { chmodSync, existsSync } from "node:fs";
import { Connection } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";
import { baseEnvironment } from "./environment.ts";
import { searchAttributes, temporalArgs } from "./temporal.ts";
import type { Home } from "./home.ts";
import type { ProcessSpec } from "./supervision/supervised-process.ts";

export const namespace = "default";
/** start-dev keeps closed workflows for a day; a person may want to look at last week's. */
const retention = "30 days";
/** The first start writes the schema: 2 s on two idle cores. */
const readyWithinMs = 60_000;
/** temporal.api.enums.v1.IndexedValueType */
const keywordType = 2;

/** The instance's Temporal server with its file. */
export function prepareTemporal(options: { home: Home; cli: string; port: number; uiPort: number }): {
  spec: ProcessSpec;
  address: string;
} {
  const { home, cli, port, uiPort } = options;
  const address = `127.0.0.1:${port}`;
  for (const part of ["", "-wal", "-shm"]) if (existsSync(home.temporalFile + part)) chmodSync(home.temporalFile + part, 0o600);
  const args = temporalArgs({ port, uiPort, databaseFile: home.temporalFile });
  return {
    address,
    // The CLI ends on SIGINT and SIGTERM alike, in well under a second.
    spec: {
      name: "temporal",
      // Its file holds every history: nobody else on the machine is to read it.
      command: "/bin/sh",
      args: ["-c", 'umask 077; exec "$0" "$@"', cli, ...args],
      env: baseEnvironment(),
      isReady: () => hasNamespace(address),
      readyWithinMs,
      stopSignal: "SIGTERM",
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
