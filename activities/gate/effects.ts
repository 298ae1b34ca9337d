import type { Row } from "../../db/schema.ts";
import type { GateOutcome, Resolution } from "../../domain/gate.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { reviewBreakGlass } from "../slot/review-break-glass.ts";
import { approveVersion } from "./approve-version.ts";
import { applyApproved } from "./approved-definition.ts";
import { publishApproved } from "./approved-policy.ts";
import { retireApproved } from "./approved-retirement.ts";

export interface Resolved {
  gate: Row<"gates">;
  resolution: Resolution;
  outcome: GateOutcome;
}

type Effect = (deps: RecordDeps, unit: Unit, resolved: Resolved) => Promise<void>;

/**
 * What the resolution of a gate leads to, by the kind of its subject, in the transaction that closes
 * it. A kind that is not here (data, what other people's workflows ask about) leads to nothing by itself.
 */
const effects: Record<string, Effect> = {
  version: approveVersion,
  definition: applyApproved,
  policy: publishApproved,
  retirement: retireApproved,
  deployment: reviewBreakGlass,
};

export async function carryOutResolution(deps: RecordDeps, unit: Unit, resolved: Resolved): Promise<void> {
  await effects[resolved.gate.subject_kind]?.(deps, unit, resolved);
}
