import type { GateId, ReleaseId } from "../../domain/ids.ts";
import type { PinnedRelease, Refused } from "../contract.ts";
import { refused } from "./carry-out.ts";
import { addContributor } from "./contributors.ts";
import { insertRelease, refuseModel, refuseTaken, type Numbered } from "./new-release.ts";
import type { RecordDeps } from "./deps.ts";
import { beyondBounds } from "../../domain/parameter-bounds.ts";
import { mergeParameters } from "../../domain/release-parameters.ts";
import { lockRelease, readPinned } from "./pinned-release.ts";
import { noteRefusedMessage } from "./refuse-message.ts";
import { readChanges } from "./requested-changes.ts";
import { inTransaction, type Unit } from "./transaction.ts";

type Parent = { release: ReleaseId; gate: GateId };

/**
 * The successor of a release whose reviewers asked for changes: the same trigger, the parent's
 * parameters with the changes over them. Who asked for changes within the bounds that the policy
 * names did not contribute; who went beyond them did. Who contributed to the parent did, for the parameters
 * that the successor takes over.
 */
export async function succeedRelease(deps: RecordDeps, input: Numbered, parent: Parent): Promise<PinnedRelease | Refused> {
  return inTransaction(deps.db, async (unit) => {
    const present = await unit.trx.selectFrom("releases").select("parent").where("id", "=", input.release).executeTakeFirst();
    if (present?.parent === parent.release) return readPinned(unit.trx, input.release);
    const trouble = await create(unit, input, parent);
    if (!trouble) return readPinned(unit.trx, input.release);
    const claimed = JSON.stringify({ release: input.release, parent });
    await noteRefusedMessage(unit, {
      subject: input.release,
      model: input.model,
      message: "createRelease",
      claimed,
      why: trouble.message,
    });
    return trouble;
  });
}

async function create(unit: Unit, input: Numbered, parent: Parent): Promise<Refused | null> {
  const { trx } = unit;
  const before = await lockRelease(trx, parent.release);
  if (before?.model !== input.model) return refused("not-found", `${input.model} has no release ${parent.release}.`);
  const changes = await readChanges(trx, parent.gate);
  if (changes?.release !== parent.release)
    return refused("not-signed", `No reviewer of ${parent.release} asked for changes at ${parent.gate}.`);
  const sibling = await trx.selectFrom("releases").select("id").where("parent", "=", parent.release).executeTakeFirst();
  if (sibling) return refused("invalid", `${parent.release} has its successor: ${sibling.id}.`);
  const trouble = (await refuseModel(trx, input.model)) ?? (await refuseTaken(trx, input.release));
  if (trouble) return trouble;

  const reason = `${changes.by} asked for changes to ${parent.release}: ${changes.reason}`;
  const parameters = mergeParameters(before.parameters, changes.parameters);
  await insertRelease(unit, {
    ...input,
    parent: parent.release,
    trigger: before.trigger,
    reason,
    requestedBy: before.requested_by,
    parameters,
  });
  const contributors = await trx.selectFrom("contributors").selectAll().where("release_id", "=", parent.release).execute();
  for (const { principal_id, how } of contributors) await addContributor(trx, input.release, { principal: principal_id, how });
  const beyond = beyondBounds(changes.parameters, changes.bounds);
  if (beyond.length > 0)
    await addContributor(trx, input.release, {
      principal: changes.by,
      how: `asked for ${beyond.join(", ")}, which the policy leaves to the model's authors`,
    });
  await trx.updateTable("releases").set({ next: input.release }).where("id", "=", parent.release).execute();
  unit.note({
    kind: "release.requested",
    actor: changes.by,
    model: input.model,
    subject: input.release,
    data: { parent: parent.release, gate: parent.gate, reason: changes.reason, parameters },
  });
  return null;
}
