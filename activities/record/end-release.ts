import { sql } from "kysely";
import type { Trx } from "../../db/database.ts";
import { CountersignError } from "../../domain/errors.ts";
import { isWorseThanChampion } from "../../domain/evaluation-verdict.ts";
import { parseReleaseId, workflowIds, type ReleaseId } from "../../domain/ids.ts";
import type { ReleaseOutcome } from "../../domain/lifecycle.ts";
import { closeUndecided } from "../gate/close-undecided.ts";
import { calledBy } from "./current-call.ts";
import type { RecordDeps } from "./deps.ts";
import { lockRelease } from "./pinned-release.ts";
import { noteRefusedMessage } from "./refuse-message.ts";
import { inTransaction, type Unit } from "./transaction.ts";

export interface EndedRelease {
  release: ReleaseId;
  outcome: ReleaseOutcome;
  next: ReleaseId | null;
  summary: string;
}

/** A release ends once; how it ended first stays. One that nobody knows (a workflow started by hand) is no row and no fault. */
export async function endRelease(deps: RecordDeps, input: EndedRelease): Promise<void> {
  await inTransaction(deps.db, async (unit) => {
    const { release } = input;
    const model = parseReleaseId(release)?.model ?? null;
    if (calledBy(workflowIds.release(release), workflowIds.lifecycle(model ?? "")))
      return void (await endRow(unit, await provenEnding(unit, input)));
    const why = "Only the release's own workflow or its model's ends it.";
    await noteRefusedMessage(unit, { subject: release, model, message: "endRelease", claimed: input.outcome, why });
  });
}

/**
 * An ending in the name of reviewers, of the evaluation or of who withdrew it has its row; one that has none is told as what is known:
 * a run ended, and made a claim.
 */
async function provenEnding({ trx }: Unit, input: EndedRelease): Promise<EndedRelease> {
  const { release, outcome } = input;
  if (await isBorneOut(trx, release, outcome)) return input;
  return {
    ...input,
    outcome: "abandoned",
    summary: `Its run said that it ended as ${outcome}; nothing on record bears that out.`,
  };
}

async function isBorneOut(trx: Trx, release: ReleaseId, outcome: ReleaseOutcome): Promise<boolean> {
  switch (outcome) {
    case "rejected":
    case "changes-requested":
    case "expired": {
      const gates = trx.selectFrom("gates").select("id").where("release_id", "=", release);
      return (await gates.where("resolution", "=", outcome).executeTakeFirst()) !== undefined;
    }
    case "withdrawn": {
      const withdrawals = trx.selectFrom("command_results").select("command_id").where("kind", "=", "withdraw-release");
      const carriedOut = withdrawals.where("ok", "=", true).where(sql`result ->> 'release'`, "=", release);
      return (await carriedOut.executeTakeFirst()) !== undefined;
    }
    case "kept": {
      const version = await trx.selectFrom("versions").select("evaluation").where("release_id", "=", release).executeTakeFirst();
      const evaluation = version?.evaluation ?? null;
      return evaluation !== null && (evaluation.verdict === "fail" || isWorseThanChampion(evaluation));
    }
    default:
      return true;
  }
}

/** The same within a transaction; gives whether it ended by this. */
export async function endRow(unit: Unit, { release, outcome, next, summary }: EndedRelease): Promise<boolean> {
  const { trx, note } = unit;
  const row = await lockRelease(trx, release);
  if (!row || row.state === "ended") return false;
  if (outcome === "promoted") {
    const moved = await trx
      .selectFrom("deployments")
      .select("id")
      .where("version_id", "=", release)
      .where("kind", "=", "promote")
      .executeTakeFirst();
    if (!moved) throw new CountersignError("internal", `${release} cannot end as promoted: it was never deployed.`);
  }
  await closeUndecided(unit, { release, resolution: "withdrawn", by: "countersign", why: `The release ended: ${summary}` });
  await trx
    .updateTable("releases")
    .set({ state: "ended", outcome, blocked: null, waits_for: null, ended_at: new Date(), ...(next && { next }) })
    .where("id", "=", release)
    .execute();
  note({
    kind: "release.ended",
    actor: "countersign",
    model: row.model,
    subject: release,
    data: { outcome, summary, next: next ?? row.next },
  });
  return true;
}
