import { canonicalJson } from "./canonical-json.ts";
import type { ReleaseParameters } from "./stage-results.ts";
import type { Digest, GateId, ModelName, PrincipalId, ReleaseId, Timestamp, VersionId } from "./ids.ts";
import type { ApprovalCondition, DecisionInputs, DecisionKind } from "./gate.ts";
import type { Surface } from "./principal.ts";
import type { Stage } from "./stages.ts";
import type { Trigger } from "./lifecycle.ts";

/**
 * What control hands to a workflow. Whoever reaches Temporal's port can send messages, so each one
 * carries control's Ed25519 signature over everything that matters; the activity that carries it
 * out verifies it. A message without one counts nothing and is put on record.
 */
export type CommandBody =
  | {
      kind: "decide";
      gate: GateId;
      decision: DecisionKind;
      digest: Digest;
      seen: Digest | null;
      reason: string | null;
      returnTo: Stage | null;
      parameters: ReleaseParameters;
      inputs: DecisionInputs;
      /** Findings that must be closed by a date; a finding's id, or the title of one that this opens. Absent: none. */
      conditions?: ApprovalCondition[];
    }
  | { kind: "withdraw-decision"; gate: GateId; reason: string }
  | { kind: "close-finding"; model: ModelName; finding: string; reason: string }
  | {
      kind: "request-release";
      model: ModelName;
      reason: string;
      trigger: Trigger;
      parameters: ReleaseParameters;
    }
  | { kind: "apply-definition"; model: ModelName; definition: Digest }
  | { kind: "propose-policy"; policy: string; version: number; digest: Digest }
  | {
      kind: "rollback";
      model: ModelName;
      environment: string;
      to: VersionId | null;
      reason: string;
    }
  | {
      kind: "break-glass";
      model: ModelName;
      action: "promote" | "rollback";
      environment: string;
      /** Null: back to the champion before this one. */
      version: VersionId | null;
      /** Of the version to promote: what was approved, whatever the records say of that id later. */
      digest?: Digest;
      reason: string;
    }
  | { kind: "pause"; model: ModelName; reason: string }
  | { kind: "resume"; model: ModelName; reason: string }
  | { kind: "retire"; model: ModelName; reason: string }
  | {
      kind: "unblock";
      release: ReleaseId;
      action: UnblockAction;
      reason: string;
      parameters: ReleaseParameters;
    }
  | { kind: "withdraw-release"; release: ReleaseId; reason: string }
  | { kind: "reproduce"; version: VersionId };

export type CommandKind = CommandBody["kind"];
export const unblockActions = ["retry", "skip", "abandon"] as const;
export type UnblockAction = (typeof unblockActions)[number];

export interface SignedCommand<Body extends CommandBody = CommandBody> {
  /** The command's id, also the id of the Temporal update. */
  id: string;
  principal: PrincipalId;
  /** The groups as control read them when it signed. */
  groups: string[];
  surface: Surface;
  at: Timestamp;
  body: Body;
  /** Base64url Ed25519 signature over `commandText`. */
  signature: string;
}

export type CommandOf<Kind extends CommandKind> = SignedCommand<Extract<CommandBody, { kind: Kind }>>;
export type DecisionCommand = CommandOf<"decide">;
export type WithdrawalCommand = CommandOf<"withdraw-decision">;

/** The exact text that is signed and verified. */
export function commandText(command: Omit<SignedCommand, "signature">): string {
  const { id, principal, groups, surface, at, body } = command;
  return `countersign-command-v1\n${canonicalJson({ id, principal, groups, surface, at, body })}`;
}
