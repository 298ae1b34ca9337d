import { activityInfo } from "@temporalio/activity";
import { ApplicationFailure } from "@temporalio/common";
import {
  forgetPlace,
  giveUp,
  noteDelivered,
  noteNotSent,
  noteTry,
  postpone,
  readDelivery,
  type DeliveryRow,
} from "../../db/deliveries.ts";
import { noteWay, noteWayUp } from "../../db/message-ways.ts";
import { CarrierFault, type Carrier, type MessagePlace } from "../../domain/carrier.ts";
import type { Notice } from "../../domain/notices.ts";
import { failureOf } from "../record/faults.ts";
import type { NotifyDeps } from "./deps.ts";
import { tellOtherwise } from "./other-ways.ts";
import { readNotice } from "./read-notice.ts";

/** As the workflow's retry policy has it: at the last try the message goes back into the outbox. */
export const mostTries = 5;
/** Between two rounds of tries while the other side is away. */
const awayPauseMs = 15_000;
/** An operator has to do something first. */
const setupPauseMs = 60_000;
/** Not an outage any more. */
const giveUpAfterMs = 3 * 24 * 60 * 60 * 1000;

export type DeliveryOutcome = "delivered" | "nothing-to-say" | "put-off" | "given-up";

/**
 * Brings one message of the outbox to what it should say now. Only the newest state is ever sent, so
 * that a tried-again change cannot overwrite a newer one. A try whose answer was lost is looked for
 * before it is sent again.
 */
export async function deliverMessage(deps: NotifyDeps, { id }: { id: string }): Promise<{ outcome: DeliveryOutcome }> {
  try {
    const row = await readDelivery(deps.db, id);
    if (row?.state !== "due") return { outcome: "nothing-to-say" };
    const carrier = deps.carriers[row.way];
    if (!carrier)
      return await abandon(deps, row, {
        failure: `No ${row.way} is set up.`,
        cure: "Set it up: docs/slack.md, docs/operations.md.",
      });
    const parent = row.parent === null ? null : await readDelivery(deps.db, row.parent);
    if (row.parent !== null && placeOf(parent) === null)
      return await abandon(deps, row, {
        failure: "The message that it belongs to could not be posted.",
        cure: parent?.cure ?? "",
      });
    const notice = await readNotice(deps, row);
    if (notice === null)
      return await settle(deps, row, { digest: row.digest ?? "", place: placeOf(row), outcome: "nothing-to-say" });
    return await carry(deps, carrier, { row, notice, parent: placeOf(parent) });
  } catch (error) {
    throw failureOf(error);
  }
}

interface Carried {
  row: DeliveryRow;
  notice: Notice;
  parent: MessagePlace | null;
}

async function carry(
  deps: NotifyDeps,
  carrier: Carrier,
  { row, notice, parent }: Carried,
): Promise<{ outcome: DeliveryOutcome }> {
  const place = placeOf(row);
  const digest = carrier.digestOf(notice);
  // An open message is written again although it says the same: only so one hears that it was deleted.
  if (place !== null && digest === row.digest && isOver(notice))
    return settle(deps, row, { digest, place, outcome: "delivered" });
  const triedSince = await noteTry(deps.db, row.id);
  try {
    const { id, destination } = row;
    const at = await carrier.send({ id, destination, notice, parent, place, triedSince: place === null ? triedSince : null });
    await noteWayUp(deps.db, row.way, destination.split("/").at(-1) ?? destination);
    return await settle(deps, row, { digest, place: at, outcome: "delivered" });
  } catch (error) {
    if (!(error instanceof CarrierFault)) throw error;
    if (error.surelyNotSent && triedSince === null) await noteNotSent(deps.db, row.id);
    return handleFault(deps, { row, notice }, error);
  }
}

async function settle(
  deps: NotifyDeps,
  row: DeliveryRow,
  { digest, place, outcome }: { digest: string; place: MessagePlace | null; outcome: DeliveryOutcome },
): Promise<{ outcome: DeliveryOutcome }> {
  const { id, wanted } = row;
  await noteDelivered(deps.db, { id, wanted, digest, channel: place?.channel ?? null, ts: place?.ts ?? null });
  return { outcome };
}

async function handleFault(
  deps: NotifyDeps,
  { row, notice }: { row: DeliveryRow; notice: Notice },
  fault: CarrierFault,
): Promise<{ outcome: DeliveryOutcome }> {
  const told = { failure: fault.message, cure: fault.cure };
  const isTooOld = Date.now() - row.created_at.getTime() > giveUpAfterMs;
  switch (fault.kind) {
    case "later":
      if (activityInfo().attempt < mostTries) throw tryLater(fault);
      if (isTooOld) return abandon(deps, row, told);
      await postpone(deps.db, { row, byMs: fault.retryAfterMs ?? awayPauseMs, ...told });
      return { outcome: "put-off" };
    case "setup":
      await noteWay(deps.db, { way: row.way, code: fault.code, detail: fault.message, cure: fault.cure });
      if (isTooOld) return abandon(deps, row, told);
      await postpone(deps.db, { row, byMs: setupPauseMs, ...told });
      return { outcome: "put-off" };
    case "gone":
      return replaceGone(deps, { row, notice }, told);
    case "place":
      await noteWay(deps.db, { way: row.way, code: fault.code, detail: fault.message, cure: fault.cure });
      await tellOtherwise(deps, row);
      return abandon(deps, row, told);
    case "refused":
      return abandon(deps, row, told);
  }
}

/** A message that somebody deleted is posted anew while there is something to act on, and told by the other ways besides. */
async function replaceGone(
  deps: NotifyDeps,
  { row, notice }: { row: DeliveryRow; notice: Notice },
  told: { failure: string; cure: string },
): Promise<{ outcome: DeliveryOutcome }> {
  // In a thread it is the message above that is gone; the reply waits for the new one.
  const gone = row.parent === null ? row : await readDelivery(deps.db, row.parent);
  const about = row.parent === null || gone === null ? notice : await readNotice(deps, gone);
  if (gone === null || about === null || isOver(about))
    return settle(deps, row, { digest: row.digest ?? "", place: placeOf(row), outcome: "nothing-to-say" });
  await tellOtherwise(deps, gone);
  await forgetPlace(deps.db, { id: gone.id, ...told });
  return { outcome: "put-off" };
}

/** Temporal tries again: after as long as the other side asks for, else after its own pauses. */
function tryLater(fault: CarrierFault): ApplicationFailure {
  return ApplicationFailure.create({
    message: fault.message,
    type: fault.code,
    ...(fault.retryAfterMs !== null && { nextRetryDelay: fault.retryAfterMs }),
  });
}

async function abandon(
  deps: NotifyDeps,
  row: DeliveryRow,
  told: { failure: string; cure: string },
): Promise<{ outcome: DeliveryOutcome }> {
  await giveUp(deps.db, { row, ...told });
  return { outcome: "given-up" };
}

/** A message that nobody has to act on needs no new one in its place. */
function isOver(notice: Notice): boolean {
  if (notice.kind === "gate") return notice.state === "closed";
  return notice.kind !== "blocked" || notice.since !== null;
}

function placeOf(row: DeliveryRow | null): MessagePlace | null {
  return row === null || row.ts === null ? null : { channel: row.channel, ts: row.ts };
}
