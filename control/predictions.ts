import { readDecisions } from "../db/reads/gates.ts";
import { readPrediction } from "../db/reads/predictions.ts";
import type { PredictionView } from "../domain/http/model-views.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { notFound, requireScope, scopeOf } from "./read-rights.ts";

/** Prediction → version → release → who approved it, on which evidence. Throws `not-found`. */
export async function tracePrediction(context: ControlContext, caller: Caller, id: string): Promise<PredictionView> {
  requireScope(caller, "read");
  const row = await readPrediction(context.db, scopeOf(caller.principal), id);
  if (!row) throw notFound("prediction", id);
  const gate = row.approval?.gate_id ?? null;
  const decisions = gate === null ? [] : await readDecisions(context.db, [gate]);
  return {
    id: row.id,
    key: row.key,
    model: row.model,
    environment: row.environment,
    at: row.at.toISOString(),
    epoch: row.epoch,
    request: row.request,
    label: row.label,
    probability: row.probability,
    probabilities: row.probabilities,
    value: row.value,
    version: { id: row.version_id, digest: row.version_digest },
    release: row.release_id,
    approval: row.approval && {
      kind: row.approval.kind,
      at: new Date(row.approval.at).toISOString(),
      policy: { id: row.approval.policy_id, version: row.approval.policy_version },
      gate,
      resolution: row.gate?.resolution ?? null,
      requestDigest: row.gate?.request_digest ?? null,
      evidence: row.gate?.evaluation ?? null,
      decisions: decisions.map((one) => ({
        by: one.principal_id,
        decision: one.decision,
        reason: one.reason,
        at: one.decided_at.toISOString(),
        counted: one.counted,
      })),
    },
    links: {
      self: `/api/predictions/${row.id}`,
      version: `/api/versions/${row.version_id}`,
      release: `/api/releases/${row.release_id}`,
      gate: gate === null ? null : `/api/gates/${gate}`,
    },
  };
}
