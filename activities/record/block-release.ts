import { canonicalJson } from "../../domain/canonical-json.ts";
import type { Digest, ReleaseId } from "../../domain/ids.ts";
import type { BlockedCause } from "../../domain/lifecycle.ts";
import type { RecordDeps } from "./deps.ts";
import { needRelease } from "./pinned-release.ts";
import { storable } from "./storable.ts";
import { inTransaction } from "./transaction.ts";

/** A stage failed for good: the release waits for a person. What has ended meanwhile stays ended. */
export async function blockRelease(
  deps: RecordDeps,
  input: { release: ReleaseId; cause: BlockedCause; log: Digest | null },
): Promise<void> {
  const { release, log } = input;
  const cause = storable(input.cause);
  await inTransaction(deps.db, async ({ trx, note }) => {
    const row = await needRelease(trx, release);
    if (row.state === "ended" || (row.blocked && canonicalJson(row.blocked) === canonicalJson(cause))) return;
    const choices = cause.skippable ? "retry, skip or abandon it" : "retry or abandon it";
    await trx
      .updateTable("releases")
      .set({
        state: "blocked",
        blocked: JSON.stringify(cause),
        waits_for: `${cause.stage} failed: ${cause.message} Somebody must ${choices}.`,
      })
      .where("id", "=", release)
      .execute();
    const about = { actor: "countersign" as const, model: row.model, subject: release };
    if (cause.stage !== "gate") {
      await trx
        .updateTable("release_stages")
        .set({ state: "failed", ended_at: new Date(), summary: cause.message, error: JSON.stringify(cause), ...(log && { log }) })
        .where("release_id", "=", release)
        .where("stage", "=", cause.stage)
        .execute();
      note({ kind: "stage.failed", ...about, data: { stage: cause.stage, code: cause.code, message: cause.message, log } });
    }
    note({ kind: "release.blocked", ...about, data: { stage: cause.stage, code: cause.code, message: cause.message } });
  });
}
