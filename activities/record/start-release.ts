import { isAudited } from "../../db/audit.ts";
import type { Trx } from "../../db/database.ts";
import { workflowIds, type ReleaseId } from "../../domain/ids.ts";
import type { Stage } from "../../domain/stages.ts";
import type { PinnedRelease, Refused } from "../contract.ts";
import { refused } from "./carry-out.ts";
import { addStandingContributors } from "./contributors.ts";
import type { ReleaseRow } from "./new-release.ts";
import { calledBy } from "./current-call.ts";
import type { RecordDeps } from "./deps.ts";
import { lockRelease, newestPolicy, readPinned } from "./pinned-release.ts";
import { noteRefusedMessage } from "./refuse-message.ts";
import { inTransaction, type Unit } from "./transaction.ts";

/**
 * Queued → running, pinned to the model's newest definition and policy, which may have changed
 * while it waited. A run that is started a second time (reset, or by hand) goes on where the row
 * stands; one whose release is unknown or has ended is refused, on record.
 */
export async function startRelease(
  deps: RecordDeps,
  { release, runId }: { release: ReleaseId; runId: string },
): Promise<PinnedRelease | Refused> {
  return inTransaction(deps.db, async (unit) => {
    const row = await lockRelease(unit.trx, release);
    const trouble = await refuseStart(unit.trx, release, row);
    if (trouble || !row) {
      const answer = trouble ?? refused("not-found", `There is no release ${release}.`);
      await noteRefusedMessage(unit, {
        subject: release,
        model: row?.model ?? null,
        message: "start",
        claimed: runId,
        why: answer.message,
      });
      return answer;
    }
    if (row.state === "queued") await pinAnew(unit.trx, row);
    const startsAgain = row.temporal_run_id !== null && row.temporal_run_id !== runId;
    if (row.temporal_run_id !== runId || row.state === "queued") await run(unit, row, runId);
    const pinned = await readPinned(unit.trx, release);
    return startsAgain ? { ...pinned, done: await readDone(unit.trx, release) } : pinned;
  });
}

async function refuseStart(trx: Trx, release: ReleaseId, row: ReleaseRow | undefined): Promise<Refused | null> {
  if (!calledBy(workflowIds.release(release))) return refused("not-active", "Only the release's own workflow runs it.");
  if (!row) return refused("not-found", `There is no release ${release}; somebody started its workflow by hand.`);
  if (row.state === "ended") return refused("not-active", `${release} ended as ${row.outcome ?? "ended"}.`);
  const model = await trx.selectFrom("models").select("state").where("name", "=", row.model).executeTakeFirst();
  if (model?.state === "retired") return refused("model-retired", `${row.model} was retired.`);
  const other = await trx
    .selectFrom("releases")
    .select("id")
    .where("model", "=", row.model)
    .where("state", "in", ["running", "waiting", "blocked"])
    .where("id", "<>", release)
    .executeTakeFirst();
  return other ? refused("not-active", `${other.id} is under way; one release of a model runs at a time.`) : null;
}

/**
 * What a run that starts again takes over instead of doing it a second time. The evaluation only where people were
 * asked on it: else it is made again, against the champion of now.
 */
async function readDone(trx: Trx, release: ReleaseId): Promise<NonNullable<PinnedRelease["done"]>> {
  const asked = await trx
    .selectFrom("gates")
    .select("id")
    .where("release_id", "=", release)
    .where("subject_kind", "=", "version")
    .where((eb) => eb.or([eb("state", "<>", "closed"), eb("resolution", "<>", "superseded")]))
    .executeTakeFirst();
  const takenOver: Stage[] = ["ingest", "validate", "featurize", "train", ...(asked ? (["evaluate"] as const) : [])];
  const rows = await trx
    .selectFrom("release_stages")
    .select(["stage", "result"])
    .where("release_id", "=", release)
    .where("state", "=", "done")
    .where("stage", "in", takenOver)
    .execute();
  // As endStage put it there: with its summary.
  return Object.fromEntries(rows.flatMap(({ stage, result }) => (result === null ? [] : [[stage, result]])));
}

async function pinAnew(trx: Trx, row: ReleaseRow): Promise<void> {
  const model = await trx
    .selectFrom("models")
    .select(["definition_digest", "tier", "maturity", "owner_team"])
    .where("name", "=", row.model)
    .executeTakeFirstOrThrow();
  const policy = await newestPolicy(trx, model);
  const pinned = { definition_digest: model.definition_digest, policy_id: policy.id, policy_version: policy.version };
  await trx.updateTable("releases").set(pinned).where("id", "=", row.id).execute();
  await addStandingContributors(trx, { ...row, ...pinned }, policy);
}

async function run({ trx, note }: Unit, row: ReleaseRow, runId: string): Promise<void> {
  // One that is started again while people are asked goes on waiting for them.
  const standing = row.state === "waiting" ? {} : ({ state: "running", blocked: null, waits_for: null } as const);
  await trx
    .updateTable("releases")
    .set({ ...standing, temporal_run_id: runId })
    .where("id", "=", row.id)
    .execute();
  if (await isAudited(trx, { kind: "release.started", subject: row.id, key: "runId", value: runId })) return;
  const { definition_digest, policy_id, policy_version } = await trx
    .selectFrom("releases")
    .selectAll()
    .where("id", "=", row.id)
    .executeTakeFirstOrThrow();
  note({
    kind: "release.started",
    actor: "countersign",
    model: row.model,
    subject: row.id,
    data: {
      runId,
      again: row.state !== "queued",
      definition: definition_digest,
      policy: `${policy_id}.${policy_version}`,
      parameters: row.parameters,
    },
  });
}
