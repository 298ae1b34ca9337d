import { canonicalJson } from "../../domain/canonical-json.ts";
import { workflowIds, type Digest, type ReleaseId } from "../../domain/ids.ts";
import type { BlockedCause } from "../../domain/lifecycle.ts";
import { calledBy } from "./current-call.ts";
import type { RecordDeps } from "./deps.ts";
import { needRelease } from "./pinned-release.ts";
import { noteRefusedMessage } from "./refuse-message.ts";
import { storable } from "./storable.ts";
import { inTransaction } from "./transaction.ts";

/**
 * A stage failed for good: the release waits for a person. What has ended meanwhile stays ended. Nobody but the
 * release's own workflow says so; what a forged cause could do is to show a person a false sentence.
 */
export async function blockRelease(
  deps: RecordDeps,
  input: { release: ReleaseId; cause: BlockedCause; log: Digest | null },
): Promise<void> {
  const { release, log } = input;
  const cause = storable(input.cause);
  await inTransaction(deps.db, async (unit) => {
    const { trx, note } = unit;
    const row = await needRelease(trx, release);
    if (!calledBy(workflowIds.release(release))) {
      const why = "Only the release's own workflow blocks it.";
      const claimed = JSON.stringify(cause);
      return noteRefusedMessage(unit, { subject: release, model: row.model, message: "blockRelease", claimed, why });
    }
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
