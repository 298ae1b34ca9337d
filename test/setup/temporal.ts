import type { WorkflowBundle } from "../../bin/worker/workflow-bundle.ts";
import { Client, Connection } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { inject } from "vitest";

/** host:port of the run's Temporal server, whose namespace `default` knows the five search attributes. */
export function temporalAddress(): string {
  return inject("temporalAddress");
}

/**
 * A prefix for task queues, models and workflow ids, so that test files on the one server do not
 * meet. It is a valid beginning of a model's name.
 */
export function createTestPrefix(): string {
  return `t${randomBytes(4).toString("hex")}`;
}

/** The options of a Worker that take the run's bundle. */
export function workflowBundle(): WorkflowBundle {
  const bundle = inject("workflowBundle");
  if ("fault" in bundle) throw new Error(`The workflows could not be bundled: ${bundle.fault}`);
  return bundle;
}

/** A client on the run's server; close it in afterAll. */
export async function connectTemporal(): Promise<{ client: Client; close(): Promise<void> }> {
  const connection = await Connection.connect({ address: temporalAddress() });
  return { client: new Client({ connection }), close: () => connection.close() };
}

/**
 * A namespace of one's own, for what counts or lists workflows. The server takes a while until all
 * of its parts know a new one, and this waits for it. It does not know the search attributes.
 */
export async function createTestNamespace(): Promise<string> {
  const name = `ns-${randomBytes(6).toString("hex")}`;
  const connection = await Connection.connect({ address: temporalAddress() });
  try {
    await connection.workflowService.registerNamespace({
      namespace: name,
      workflowExecutionRetentionPeriod: msToTs("1 day"),
    });
    const client = new Client({ connection, namespace: name });
    for (const deadline = Date.now() + 30_000; ; await sleep(50)) {
      try {
        await client.workflow.count("WorkflowType = 'none'");
        return name;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  } finally {
    await connection.close();
  }
}
