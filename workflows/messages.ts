import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type { GateState, Resolution } from "../domain/gate.ts";
import type { Digest, GateId, ModelName, ReleaseId } from "../domain/ids.ts";
import type { ReleaseState } from "../domain/lifecycle.ts";
import type { CommandKind, CommandOf, DecisionCommand, WithdrawalCommand } from "../domain/signed-command.ts";
import type { Stage } from "../domain/stages.ts";

/**
 * The messages that the workflows take. Each update's id is the command's id, so that a command
 * sent twice counts once. All handlers are synchronous: they append to the workflow's state and
 * return; what they lead to happens in the workflow's main loop.
 */
export const workflowTypes = {
  lifecycle: "lifecycle",
  release: "release",
  gate: "gate",
  proposal: "proposal",
  reproduction: "reproduction",
  monitorSweep: "monitorSweep",
} as const;

// to `model/<name>`
export const lifecycleCommandKinds = [
  "apply-definition",
  "rollback",
  "pause",
  "resume",
  "retire",
  "withdraw-release",
  "close-finding",
  "break-glass",
] as const satisfies CommandKind[];
export type LifecycleCommand = CommandOf<(typeof lifecycleCommandKinds)[number]>;
/** Answers at once which release it led to. The release's row follows within moments. */
export const requestReleaseUpdate = defineUpdate<{ release: ReleaseId; folded: boolean }, [CommandOf<"request-release">]>(
  "requestRelease",
);
/** Accepted means: it will be carried out; what came of it stands in `command_results`. */
export const lifecycleCommandUpdate = defineUpdate<{ accepted: true }, [LifecycleCommand]>("command");
/** A release tells that it ended. A hint only: the lifecycle reads nothing from it but the id. */
export const releaseEndedSignal = defineSignal<[{ release: ReleaseId }]>("releaseEnded");

// to `release/<id>`
export type ReleaseCommand = CommandOf<"unblock" | "withdraw-release">;
export const releaseCommandUpdate = defineUpdate<{ accepted: true }, [ReleaseCommand]>("command");
/** The same from the lifecycle, for a release that it was told to withdraw and that has started meanwhile. */
export const releaseCommandSignal = defineSignal<[ReleaseCommand]>("command-by-signal");
/** A gate tells that it closed. A hint only: the release reads the resolution row. */
export const gateClosedSignal = defineSignal<[{ gate: GateId; resolution?: Resolution }]>("gateClosed");

// to `proposal/<command id>`
/** The one command that a proposal is about; it starts the workflow. */
export const proposalUpdate = defineUpdate<{ accepted: true }, [CommandOf<"propose-policy">]>("command");

// to `reproduction/<command id>`
/** The one command that a reproduction is about; it starts the workflow. */
export const reproductionUpdate = defineUpdate<{ accepted: true }, [CommandOf<"reproduce">]>("command");

// to `gate/<id>`
export interface GateReply {
  accepted: true;
  /** Approvals still missing after this decision. */
  missing: number;
}
export const decideUpdate = defineUpdate<GateReply, [DecisionCommand]>("decide");
/** The same, for clients that cannot send updates. */
export const decideSignal = defineSignal<[DecisionCommand | WithdrawalCommand]>("decide-by-signal");
/** Takes back the maker's own decision while the gate is open. What came of it stands in `command_results`. */
export const withdrawUpdate = defineUpdate<{ accepted: true }, [WithdrawalCommand]>("withdraw");
/** Asks the gate to look at its row again (its release was withdrawn). Carries nothing. */
export const lookSignal = defineSignal<[]>("look");

export const gateStateQuery = defineQuery<{
  state: GateState;
  digest: Digest | null;
  votes: number;
  waitsFor: string;
}>("state");
export const releaseStateQuery = defineQuery<{
  state: ReleaseState;
  stage: Stage | null;
  waitsFor: string;
}>("state");
export const lifecycleStateQuery = defineQuery<{
  model: ModelName;
  active: ReleaseId | null;
  queued: ReleaseId | null;
  nextNumber: number;
}>("state");

/** `type`s of the ApplicationFailures with which a validator refuses; a refusal leaves no trace in history. */
export type GateRefusalType = "stale" | "already-voted" | "duplicate" | "already-decided" | "invalid";
