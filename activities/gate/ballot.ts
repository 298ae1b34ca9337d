import type { Trx } from "../../db/database.ts";
import type { Row } from "../../db/schema.ts";
import {
  reasonRequired,
  refuseAttempt,
  type AttemptFacts,
  type DecisionKind,
  type Exclusion,
  type ReceiptKind,
} from "../../domain/gate.ts";
import type { DecisionCommand } from "../../domain/signed-command.ts";
import { readPrincipal } from "../record/principals.ts";

/** One verified decision, judged by what the database says at this moment. */
export interface Ballot {
  command: DecisionCommand;
  groupsNow: string[];
  /** Why it does not count; null when it does. */
  refusal: { code: ReceiptKind; message: string } | null;
}

export interface BallotBox {
  gate: Row<"gates">;
  excluded: Exclusion[];
  closedBy: AttemptFacts["closedBy"];
  /** Who has a vote that counts, and which. */
  voted: Map<string, DecisionKind>;
}

/** By the same rules by which control answers, read anew: membership, contributions, the person's own vote. */
export async function judge(trx: Trx, box: BallotBox, command: DecisionCommand): Promise<Ballot> {
  const { gate } = box;
  const { decision, digest, reason } = command.body;
  const principal = await readPrincipal(trx, command.principal);
  if (!principal)
    return {
      command,
      groupsNow: [],
      refusal: { code: "not-allowed", message: `${command.principal} is unknown or was deactivated.` },
    };
  const own = box.voted.get(principal.id);
  const refusal = refuseAttempt({
    principal,
    heldSinceOpening: await groupsHeldSince(trx, principal.id, gate.opened_at ?? gate.created_at),
    gate: { id: gate.id, state: gate.state, resolution: gate.resolution, digest: gate.request_digest },
    deciderGroups: gate.request.deciders.groups,
    excluded: box.excluded,
    earlierDigests: [],
    supersededBy: gate.superseded_by,
    closedBy: box.closedBy,
    ownVote: own ? { decision: own } : null,
    asked: { decision, digest },
  });
  const invalid = refusal ? null : refuseForm(decision, reason);
  const found = refusal ? { code: refusal.receipt, message: refusal.message } : invalid;
  return { command, groupsNow: principal.groups, refusal: found };
}

function refuseForm(decision: DecisionKind, reason: string | null): Ballot["refusal"] {
  if (decision === "escalate") return { code: "invalid", message: "This gate's policy names no further group to escalate to." };
  if (reasonRequired[decision] && !reason?.trim()) return { code: "invalid", message: "reason: say why." };
  return null;
}

/** Groups that the person belonged to at that moment and has not left since: one span that covers both. */
async function groupsHeldSince(trx: Trx, principal: string, since: Date): Promise<string[]> {
  const rows = await trx
    .selectFrom("group_members")
    .select("group_id")
    .where("principal_id", "=", principal)
    .where("since", "<=", since)
    .where("until", "is", null)
    .execute();
  return rows.map((row) => row.group_id);
}
