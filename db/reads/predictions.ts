import { sql } from "kysely";
import type { GateRequest, Resolution } from "../../domain/gate.ts";
import type { Digest, GateId } from "../../domain/ids.ts";
import type { Db } from "../database.ts";
import { readableThrough, type ReadScope } from "../rights.ts";

export interface PredictionRow {
  id: string;
  key: string | null;
  model: string;
  environment: string;
  version_id: string;
  epoch: number;
  at: Date;
  request: Record<string, unknown>;
  probability: number | null;
  label: string | null;
  probabilities: Record<string, number> | null;
  value: number | null;
  version_digest: Digest;
  release_id: string;
  approval: {
    kind: "gate" | "policy" | "break-glass";
    at: string;
    policy_id: string;
    policy_version: number;
    gate_id: GateId | null;
  } | null;
  gate: {
    resolution: Resolution | null;
    request_digest: Digest;
    evaluation: GateRequest["evidence"]["evaluation"];
  } | null;
}

/** A prediction with what allowed its version to serve at that epoch. */
export async function readPrediction(db: Db, scope: ReadScope, id: string): Promise<PredictionRow | undefined> {
  const { rows } = await sql<PredictionRow>`
    select p.*, v.digest as version_digest, v.release_id,
      case when a.id is null then null else jsonb_build_object('kind', a.kind, 'at', a.at, 'policy_id', a.policy_id, 'policy_version', a.policy_version, 'gate_id', a.gate_id) end as approval,
      case when g.id is null then null else jsonb_build_object('resolution', g.resolution, 'request_digest', g.request_digest, 'evaluation', g.request -> 'evidence' -> 'evaluation') end as gate
    from predictions p join versions v on v.id = p.version_id
      left join deployments d on d.model = p.model and d.environment = p.environment and d.epoch = p.epoch
      left join approvals a on a.id = d.approval_id left join gates g on g.id = a.gate_id
    where p.id = ${id} and ${readableThrough(scope, "p.model")}`.execute(db);
  return rows[0];
}
