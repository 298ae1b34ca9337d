import { readReproductions } from "../db/reads/reproductions.ts";
import type { VersionRow } from "../db/reads/versions.ts";
import type { Row } from "../db/schema.ts";
import type { ReproductionView } from "../domain/http/model-views.ts";
import type { VersionId } from "../domain/ids.ts";
import type { ReproductionState } from "../domain/reproduction.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { roleRefusal } from "./read-rights.ts";

const shown = 20;

/** What second trainings of a version gave, newest first. */
export async function listReproductions(context: ControlContext, version: VersionId): Promise<ReproductionView[]> {
  const rows = await readReproductions(context.db, version, shown);
  return rows.map((row) => viewOf(row, context.clock()));
}

/** Of a model from elsewhere there is nothing to do again; while one runs, that one answers. */
export function mayReproduce({ principal }: Caller, { manifest }: Pick<VersionRow, "manifest">): boolean {
  return manifest.trainer.name !== "import" && roleRefusal(principal, "release") === null;
}

function viewOf(row: Row<"reproductions">, now: Date): ReproductionView {
  return {
    id: row.id,
    version: row.version_id,
    state: stateOf(row, now),
    requestedBy: row.requested_by,
    at: row.at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    digest: row.digest,
    differs: row.differs ?? [],
    effects: row.effects ?? [],
    fault: row.fault === null ? null : { code: row.fault_code ?? "internal", message: row.fault },
  };
}

function stateOf({ ended_at, until, same }: Row<"reproductions">, now: Date): ReproductionState {
  if (ended_at === null) return until > now ? "running" : "lost";
  if (same === null) return "failed";
  return same ? "same" : "other";
}
