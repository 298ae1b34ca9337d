import { continuityCure, continuityFault } from "../db/audit-continuity.ts";
import { readAlive, readKnown } from "../db/reads/reconciliation.ts";
import type { ReconciliationView } from "../domain/http/reconciliation-views.ts";
import { CountersignError } from "../domain/errors.ts";
import { workflowIds } from "../domain/ids.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { requireScope } from "./read-rights.ts";

type Finding = ReconciliationView["findings"][number];

/** Workflows looked at in one go; the newest first. */
const mostWorkflows = 20_000;
const query = "WorkflowType IN ('lifecycle', 'release', 'gate')";
const kinds = { "model/": "model", "release/": "release", "gate/": "gate" } as const;

/**
 * What one of PostgreSQL and Temporal knows and the other does not, as after one of them was restored to another
 * moment, with what to do. It changes nothing.
 */
export async function reconcile(context: ControlContext, caller: Caller): Promise<ReconciliationView> {
  requireScope(caller, "read");
  const { id, roles } = caller.principal;
  if (!roles.some((role) => role === "operator" || role === "admin"))
    throw new CountersignError("forbidden", `${id} may not do this: it needs the role operator or admin.`);
  const { db, store } = context;
  const fault = await continuityFault(db, store);
  const { runs, complete } = await readRuns(context);
  const known = await readKnown(db);
  const alive = await readAlive(db);
  const unknown = [...runs.keys()].filter((id) => isOurs(id) && !known.has(id));
  // Of what was not looked at nobody can say that it does not run.
  const dead = complete ? alive.filter((id) => !runs.get(id)) : [];
  const findings = [
    ...(fault === null ? [] : [{ knows: "artifacts" as const, subject: "audit", what: fault, cure: continuityCure }]),
    ...unknown.map((id) => unknownToDatabase(id, runs.get(id) ?? false)),
    ...dead.map((id) => unknownToTemporal(id, runs.has(id))),
  ];
  return { complete, looked: { workflows: runs.size, rows: known.size }, findings };
}

/** Every workflow that Temporal still remembers, with whether its latest run runs. */
async function readRuns({ temporal }: ControlContext): Promise<{ runs: Map<string, boolean>; complete: boolean }> {
  const runs = new Map<string, boolean>();
  for await (const { workflowId, status } of temporal.workflow.list({ query })) {
    if (runs.size >= mostWorkflows) return { runs, complete: false };
    runs.set(workflowId, runs.get(workflowId) === true || status.name === "RUNNING");
  }
  return { runs, complete: true };
}

function isOurs(workflowId: string): boolean {
  return Object.keys(kinds).some((prefix) => workflowId.startsWith(prefix));
}

function subjectOf(workflowId: string): string {
  return workflowId.slice(workflowId.indexOf("/") + 1);
}

function unknownToDatabase(workflowId: string, runs: boolean): Finding {
  const what = `Temporal holds ${workflowId}, which ${runs ? "runs" : "has ended"}; the database knows nothing of it.`;
  const cure = runs
    ? `Restore a database that knows it. Where that is lost, terminate ${workflowId}: nothing it does can be put on record, and nothing of it is deployed. Then ask for what it was about again.`
    : "Restore a database that knows it, or ask for what it was about again: what it decided is lost.";
  return { knows: "temporal", subject: subjectOf(workflowId), what, cure };
}

function unknownToTemporal(workflowId: string, remembers: boolean): Finding {
  const what = `The database holds ${subjectOf(workflowId)} to be under way; its workflow ${workflowId} ${remembers ? "has ended" : "is unknown to Temporal"}.`;
  const cure = workflowId.startsWith(workflowIds.lifecycle(""))
    ? "Nothing: the watch starts it again, and it recalls what is under way."
    : "Nothing: the watch ends the release, or closes the request and asks again, with its next round. Ask for a lost release again.";
  return { knows: "database", subject: subjectOf(workflowId), what, cure };
}
