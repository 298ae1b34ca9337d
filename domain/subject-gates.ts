import type { Digest, GateId } from "./ids.ts";

/** Gates about what is no release: a policy, a definition, a retirement. What the activities that freeze them answer. */

/** A frozen request whose workflow is to be started. */
export interface StartedGate {
  gate: GateId;
  digest: Digest;
}

export interface AppliedDefinition {
  ok: true;
  /** What is in force. */
  definition: Digest;
  /** The gate that the change passes first. */
  gate?: StartedGate;
  /** The request about an earlier change, which this one ended. */
  ended?: GateId;
}

export interface ProposedPolicy {
  ok: true;
  /** Null: it was published at once. */
  gate: StartedGate | null;
  /** The request that it took the place of. */
  ended: GateId | null;
}
