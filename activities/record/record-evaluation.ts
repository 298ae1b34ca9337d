import { CountersignError } from "../../domain/errors.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import type { ReleaseId } from "../../domain/ids.ts";
import type { EvaluateResult } from "../../domain/stage-results.ts";
import type { RecordDeps } from "./deps.ts";
import { needRelease } from "./pinned-release.ts";
import { readResult } from "./stage-results.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Keeps what the evaluation found, read from its artifact; the last one before the gate is the evidence. It is the
 * one that the evaluate stage left on record; throws `digest-mismatch` for another.
 */
export async function recordEvaluation(
  deps: RecordDeps,
  { release, evaluation }: { release: ReleaseId; evaluation: EvaluateResult },
): Promise<void> {
  await inTransaction(deps.db, async ({ trx, note }) => {
    const row = await needRelease(trx, release);
    const version = await trx
      .selectFrom("versions")
      .select(["id", "evaluation_digest"])
      .where("release_id", "=", release)
      .executeTakeFirstOrThrow();
    if (version.evaluation_digest === evaluation.evaluation) return;
    const recorded = await readResult(trx, release, "evaluate");
    if (recorded.evaluation !== evaluation.evaluation)
      throw new CountersignError("digest-mismatch", `The evaluate stage of ${release} has left another evaluation on record.`);
    const body = await deps.store.getJson<Evaluation>(evaluation.evaluation);
    await trx
      .updateTable("versions")
      .set({ evaluation: JSON.stringify(body), evaluation_digest: evaluation.evaluation })
      .where("id", "=", version.id)
      .execute();
    const { verdict, summary, worseThanChampion } = recorded;
    note({
      kind: "evaluation.recorded",
      actor: "countersign",
      model: row.model,
      subject: version.id,
      data: { evaluation: evaluation.evaluation, verdict, summary, worseThanChampion },
    });
  });
}
