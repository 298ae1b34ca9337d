import { wantMessages, type DeliveryRow, type NewDelivery } from "../../db/deliveries.ts";
import { escalatedTo, readAttempt } from "../../db/reads/attempt-facts.ts";
import type { NotifyDeps } from "./deps.ts";
import { deciderDestinations, type Destination } from "./destinations.ts";

/**
 * A message is gone or its channel is: what it is about is told by the other ways. The default
 * channel, and for a gate everybody who may decide on it, whether or not they asked for messages of
 * their own. Each of them once.
 */
export async function tellOtherwise(deps: NotifyDeps, row: DeliveryRow): Promise<void> {
  // Direct messages and mails are the other ways.
  if (row.way !== "slack" || row.parent !== null || isDirect(row.destination)) return;
  await deps.db.transaction().execute(async (trx) => {
    const { slack, emails } = deps.defaults;
    const fallback: Destination[] = [
      ...(slack ? [{ way: "slack" as const, destination: `${slack.team}/${slack.channel}` }] : []),
      ...emails.map((address) => ({ way: "email" as const, destination: address })),
    ];
    const attempt = row.notice === "gate" ? await readAttempt(trx, row.subject, "") : null;
    const deciders = attempt
      ? await deciderDestinations(deps, trx, {
          deciders: attempt.request.deciders,
          escalatedTo: escalatedTo(attempt),
          excluded: [...attempt.request.excluded, ...attempt.contributed].map((one) => one.principal),
          everybody: true,
        })
      : [];
    const places = [...fallback, ...deciders].filter(
      (one) => deps.carriers[one.way] && !(one.way === row.way && one.destination === row.destination),
    );
    await wantMessages(
      trx,
      places.map((one) => asMessage(row, one)),
    );
  });
}

function asMessage(row: DeliveryRow, { way, destination }: Destination): NewDelivery {
  const { subject, model, event } = row;
  const about = { subject, model, event, way, destination, parent: null };
  if (row.notice === "gate" && way === "slack") return { id: `gate/${subject}/slack/${destination}`, notice: "gate", ...about };
  const notice = row.notice === "gate" ? ("gate-event" as const) : row.notice;
  return { id: `${notice}/${subject}/${event}/${way}/${destination}`, notice, ...about };
}

/** Users' ids begin with U or W, channels' with C, D or G. */
function isDirect(destination: string): boolean {
  return /\/[UW]/.test(destination);
}
