import type { Client } from "@temporalio/client";
import type { AuditNotices } from "../../db/audit-notices.ts";
import type { Db } from "../../db/database.ts";
import { workflowIds } from "../../domain/ids.ts";
import { hasCourierWork } from "../../db/deliveries.ts";
import { plannedKinds } from "./plan-messages.ts";

/** Records come in bursts, and what a decision leads to goes before the telling of it. Nobody sees the difference. */
const gatherMs = 150;
/** A notice can be missed, and the courier may have been terminated: it is started anew at the next look. */
const lookEveryMs = 20_000;

/**
 * Wakes the courier when records were committed that it tells, and starts it when it does not run.
 * Whoever writes records neither knows nor waits.
 */
export function ringCourier(deps: { db: Db; client: Client; notices: AuditNotices; tell(problem: string): void }): {
  stop(): void;
} {
  let isLooking = false;
  let again = false;
  let stopped = false;

  async function look(force: boolean): Promise<void> {
    if (isLooking) {
      again = true;
      return;
    }
    isLooking = true;
    try {
      do {
        await new Promise((resolve) => setTimeout(resolve, gatherMs));
        if (stopped) return;
        again = false;
        if (force || (await hasCourierWork(deps.db, plannedKinds))) await wake();
      } while (again);
    } catch (error) {
      // The database or Temporal is away; the next look finds what there is.
      deps.tell(error instanceof Error ? error.message : String(error));
    } finally {
      isLooking = false;
    }
  }

  async function wake(): Promise<void> {
    await deps.client.workflow.signalWithStart("courier", {
      workflowId: workflowIds.courier(),
      taskQueue: "lifecycle",
      signal: "hint",
      staticSummary: "Brings messages to people: Slack, e-mail, webhooks",
    });
  }

  const unsubscribe = deps.notices.subscribe(() => void look(false));
  const timer = setInterval(() => void look(false), lookEveryMs);
  void look(true);
  return {
    stop() {
      stopped = true;
      unsubscribe();
      clearInterval(timer);
    },
  };
}
