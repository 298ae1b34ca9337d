import {
  readApprovals,
  readChampionships,
  readService,
  readVersions,
  type ApprovalRow,
  type VersionRow,
} from "../db/reads/versions.ts";
import type { VersionItemView, VersionView } from "../domain/http/model-views.ts";
import type { Page } from "../domain/http/record-views.ts";
import { releaseIdPattern, type ModelName, type VersionId } from "../domain/ids.ts";
import type { Caller } from "./caller.ts";
import type { PageInput } from "./filters.ts";
import { pageOf, placeOf } from "./cursor.ts";
import type { ControlContext } from "./deps.ts";
import { versionLinks } from "./links.ts";
import { listScopeOf, notFound, requireScope, scopeOf } from "./read-rights.ts";
import { listReproductions, mayReproduce } from "./reproductions.ts";

interface VersionFacts {
  approvals: ApprovalRow[];
  championships: { version: VersionId; environment: string }[];
}

export async function listVersions(
  context: ControlContext,
  caller: Caller,
  filter: PageInput & { model?: ModelName | undefined },
): Promise<Page<VersionItemView>> {
  requireScope(caller, "read");
  const { limit, after, model } = filter;
  const rows = await readVersions(context.db, await listScopeOf(context, caller.principal), {
    limit: limit + 1,
    after: placeOf(after),
    model,
  });
  const facts = await factsOf(
    context,
    rows.map((row) => row.id),
  );
  return pageOf(rows, limit, { item: (row) => itemOf(context, row, facts), cursor: (row) => [row.place, row.id] });
}

/** Throws `not-found`. */
export async function readVersion(context: ControlContext, caller: Caller, version: VersionId): Promise<VersionView> {
  requireScope(caller, "read");
  const [row] = releaseIdPattern.test(version)
    ? await readVersions(context.db, scopeOf(caller.principal), { limit: 1, after: null, id: version })
    : [];
  if (!row) throw notFound("version", version);
  const [facts, service, reproductions] = await Promise.all([
    factsOf(context, [version]),
    readService(context.db, version),
    listReproductions(context, version),
  ]);
  const { manifest, evaluation } = row;
  return {
    ...itemOf(context, row, facts),
    digests: {
      model: manifest.onnx,
      data: manifest.dataset,
      code: manifest.definition,
      features: manifest.features,
      trainData: manifest.trainData,
      evaluation: row.evaluation_digest,
    },
    threshold: manifest.threshold,
    labelName: manifest.labelName,
    trainer: manifest.trainer,
    runtime: manifest.runtime,
    metrics: evaluation?.metrics ?? [],
    verdict: evaluation?.verdict ?? null,
    served: service.map((one) => ({
      deployment: one.id,
      environment: one.environment,
      kind: one.kind,
      epoch: one.epoch,
      share: one.share,
      by: one.by,
      from: one.at.toISOString(),
      until: one.until?.toISOString() ?? null,
    })),
    reproductions,
    actions: mayReproduce(caller, row) ? ["reproduce"] : [],
  };
}

async function factsOf(context: ControlContext, versions: VersionId[]): Promise<VersionFacts> {
  const [approvals, championships] = await Promise.all([
    readApprovals(context.db, versions),
    readChampionships(context.db, versions),
  ]);
  return { approvals, championships };
}

function itemOf(context: ControlContext, row: VersionRow, facts: VersionFacts): VersionItemView {
  return {
    id: row.id,
    model: row.model,
    release: row.release_id,
    digest: row.digest,
    createdAt: row.created_at.toISOString(),
    aliases: facts.championships.filter((one) => one.version === row.id).map((one) => `${one.environment}/champion`),
    approvals: facts.approvals
      .filter((approval) => approval.version_id === row.id)
      .map((approval) => ({
        id: approval.id,
        kind: approval.kind,
        environment: approval.environment,
        gate: approval.gate_id,
        policy: { id: approval.policy_id, version: approval.policy_version },
        by: approval.by,
        at: approval.at.toISOString(),
        revokedAt: approval.revoked_at?.toISOString() ?? null,
        revokedWhy: approval.revoked_why,
      })),
    links: versionLinks(context, row.id),
  };
}
