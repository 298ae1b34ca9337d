import type { ResolvedDefinition } from "../domain/definition-schema.ts";
import type { Verdict } from "../domain/evidence.ts";
import type { GateOutcome, GateRequest, GateState, Resolution } from "../domain/gate.ts";
import type { ExternalRequest } from "../domain/external-request.ts";
import type { Due } from "../domain/gate-timeline.ts";
import type { Digest, GateId, ModelName, PrincipalId, ReleaseId, Timestamp, VersionId } from "../domain/ids.ts";
import type { BlockedCause, ReleaseOutcome, ReleaseState } from "../domain/lifecycle.ts";
import type { PolicyGate, Tier } from "../domain/policy.ts";
import type { ModelsCompared } from "../domain/reproduction.ts";
import type { CommandOf, DecisionCommand, UnblockAction, WithdrawalCommand } from "../domain/signed-command.ts";
import type {
  EvaluateInput,
  EvaluateResult,
  FeaturizeResult,
  IngestResult,
  MonitorResult,
  ReleaseParameters,
  StageContext,
  TrainResult,
  ValidateResult,
} from "../domain/stage-results.ts";
import type { Stage } from "../domain/stages.ts";
import type { AppliedDefinition, ProposedPolicy, StartedGate } from "../domain/subject-gates.ts";
import type { Removed } from "../domain/retention.ts";
import type { WatchJob } from "../domain/watch.ts";
import type { TrainingAgain } from "./train-contract.ts";

/**
 * What workflows may ask of activities, as types: the only thing that workflow code imports from
 * this room. Task queues: `lifecycle` for records and moves of the slot, `stages` for data work,
 * `train` for other people's code, `notify` for messages.
 */
export const taskQueues = { lifecycle: "lifecycle", stages: "stages", train: "train", notify: "notify" } as const;
export type TaskQueue = (typeof taskQueues)[keyof typeof taskQueues];

export interface StageActivities {
  ingest(context: StageContext): Promise<IngestResult>;
  validate(context: StageContext & { dataset: Digest }): Promise<ValidateResult>;
  featurize(context: StageContext & { dataset: Digest }): Promise<FeaturizeResult>;
  evaluate(input: EvaluateInput): Promise<EvaluateResult>;
  /** Looks at sources and proposes a contract; nothing is recorded. */
  suggestContract(input: { data: ResolvedDefinition["data"]; id: string }): Promise<{ suggestion: Digest }>;
  monitor(input: MonitorInput): Promise<MonitorResult>;
  /** One look of the sweep at all enrolled models. */
  lookAtPredictions(): Promise<{ looked: number; drifting: ModelName[] }>;
}

export interface MonitorInput extends StageContext {
  version: VersionId;
  environment: string;
  train: Digest;
  spec: Digest;
  holdout: Digest;
  onnx: Digest;
}

/** A refusal that the workflow obeys and goes on from; the activity has put it on record. */
export interface Refused {
  ok: false;
  code: string;
  message: string;
}

export interface StartedBy {
  /** The signed request, or the release whose reviewers asked for changes. */
  command: CommandOf<"request-release"> | null;
  parent: { release: ReleaseId; gate: GateId } | null;
}

export interface PinnedRelease {
  ok: true;
  definition: Digest;
  parameters: ReleaseParameters;
  tier: Tier;
  environment: string;
  gates: PolicyGate[];
  skippable: Stage[];
  /** Of a release that is started again (reset in Temporal): the results of the stages that it has behind it. */
  done?: Partial<Record<Stage, { summary: string } & object>>;
}

/** Writes of the lifecycle tables. Each is idempotent by its ids and appends its audit records in the same transaction. */
export interface RecordActivities {
  // the model
  /** Verifies the command; registers the model or changes its definition. Writes command_results. */
  applyDefinition(command: CommandOf<"apply-definition">): Promise<AppliedDefinition | Refused>;
  /** pause, resume, retire. Writes command_results. */
  changeModelState(command: CommandOf<"pause" | "resume" | "retire">): Promise<{ ok: true; gate?: StartedGate } | Refused>;
  /** Creates the release row (queued), pins definition and policy, names the contributors. */
  createRelease(input: { model: ModelName; release: ReleaseId; number: number } & StartedBy): Promise<PinnedRelease | Refused>;
  /** `ended`: the release takes nothing in any more, and nothing was written. */
  foldRequest(input: {
    command: CommandOf<"request-release">;
    release: ReleaseId;
  }): Promise<{ ok: true } | { ok: false; ended: true } | Refused>;
  /** Compare-and-set of the slot back to a version approved before. Writes command_results. */
  rollBack(command: CommandOf<"rollback">): Promise<{ ok: true; epoch: number } | Refused>;
  /** Verifies the command; moves the slot, writes the approval and freezes the review, in one transaction. */
  breakGlass(command: CommandOf<"break-glass">): Promise<{ ok: true; review: GateId; digest: Digest } | Refused>;
  /** Reviews of a break-glass without a workflow; those that nobody could decide on are asked anew first. */
  reviewsToOpen(input: { model: ModelName }): Promise<{ gate: GateId; digest: Digest }[]>;
  giveUpReview(input: { gate: GateId; why: string }): Promise<void>;
  /** Verifies that the person may close the finding, and closes it. Writes command_results. */
  closeFinding(command: CommandOf<"close-finding">): Promise<{ ok: true } | Refused>;

  /** What the database holds of a model, for a lifecycle that starts (or starts again after it was terminated). */
  recallModel(input: { model: ModelName }): Promise<RecalledModel>;
  /** True when the five search attributes are registered; an unregistered one would fail workflow tasks for ever. */
  searchAttributesReady(): Promise<boolean>;

  // the release
  /** Queued → running; a queued release takes the model's newest definition here. */
  startRelease(input: { release: ReleaseId; runId: string }): Promise<PinnedRelease | Refused>;
  beginStage(input: { release: ReleaseId; stage: Stage }): Promise<void>;
  /** `begins`: the stage that follows at once; its beginning goes on record in the same transaction. */
  endStage(input: {
    release: ReleaseId;
    stage: Stage;
    attempts: number;
    result: { summary: string } & object;
    begins?: Stage;
  }): Promise<void>;
  /** Who asked for it, and why, is read from the record of the signed command. */
  skipStage(input: { release: ReleaseId; stage: Stage }): Promise<void>;
  /** Running/waiting → blocked, with the cause; marks the stage failed and keeps its log. */
  blockRelease(input: { release: ReleaseId; cause: BlockedCause; log: Digest | null }): Promise<void>;
  /** Verifies the command and the release's state; blocked → running. Parameters make the person a contributor. Writes command_results. */
  unblockRelease(
    command: CommandOf<"unblock">,
  ): Promise<{ ok: true; action: UnblockAction; parameters: ReleaseParameters } | Refused>;
  /** Verifies the command; closes an open gate of the release as withdrawn in the same transaction. Writes command_results. */
  withdrawRelease(command: CommandOf<"withdraw-release">): Promise<{ ok: true; gate: GateId | null } | Refused>;
  recordVersion(input: {
    release: ReleaseId;
    dataset: Digest;
    featurized: FeaturizeResult;
    trained: TrainResult;
  }): Promise<{ version: VersionId; digest: Digest }>;
  recordEvaluation(input: { release: ReleaseId; evaluation: EvaluateResult }): Promise<void>;
  readChampion(input: {
    model: ModelName;
    environment: string;
  }): Promise<{ version: VersionId; onnx: Digest; features: Digest } | null>;
  /** How a release stands; `changes` names the gate when reviewers asked for changes. Null when there is none. */
  readRelease(input: { release: ReleaseId }): Promise<{
    state: ReleaseState;
    outcome: ReleaseOutcome | null;
    changes: GateId | null;
  } | null>;
  endRelease(input: { release: ReleaseId; outcome: ReleaseOutcome; next: ReleaseId | null; summary: string }): Promise<void>;

  /** Verifies the command; publishes a version of a policy, or freezes the gate that it passes first. Writes command_results. */
  proposePolicy(command: CommandOf<"propose-policy">): Promise<ProposedPolicy | Refused>;
  /** Somebody else's workflow has the id of a gate about a policy, a definition or a retirement, or its own died: asks anew. Null when it is closed. */
  askSubjectAnew(input: { gate: GateId; why: string; taken: boolean }): Promise<StartedGate | null>;

  // a version's training, run a second time
  /** Verifies the command; puts the reproduction on record, or gives the one that runs. Writes command_results. */
  startReproduction(command: CommandOf<"reproduce">): Promise<ReproductionStarted | Refused>;
  /** Once: the first ending stays. */
  endReproduction(ended: ReproductionEnded): Promise<void>;

  // the gate
  /** Builds and freezes the k-th request of a gate from what the database holds: nothing of it comes from a message. */
  freezeGate(input: { release: ReleaseId; gate: string }): Promise<FrozenGate | GateNotNeeded>;
  /** The same for a gate that somebody else's workflow starts: it names a published policy and says what it asks about. */
  freezeExternalGate(input: {
    gate: GateId;
    external: ExternalRequest;
    /** Of the gate's own run, which it is opened for as well. */
    runId?: string;
  }): Promise<{ ok: true; digest: Digest; opening?: GateOpening } | Refused>;
  openGate(input: { gate: GateId; runId: string }): Promise<GateOpening>;
  /**
   * One transaction: reads membership again, verifies every token, writes decisions, audit, resolution and (when
   * approved) the approval. `asker`: the workflow of the product that is told at once when it closed the gate.
   */
  closeGate(input: { gate: GateId; commands: (DecisionCommand | WithdrawalCommand)[]; asker?: string }): Promise<GateClosing>;
  /** A moment of the request's timeline has come. */
  fallDue(input: { gate: GateId; due: Due }): Promise<GateClosing>;
  /** Closes a request that is out of date, so that it is asked anew. */
  renewGate(input: { gate: GateId }): Promise<GateClosing>;
  readGate(input: { gate: GateId }): Promise<{
    state: GateState;
    resolution: Resolution | null;
    changes: RequestedChanges | null;
    /** Absent in histories of earlier versions of the product. */
    stale?: string | null;
    outcome?: GateOutcome | null;
  } | null>;
  /** Puts a message on record that came without a valid token or was a false report. */
  refuseMessage(input: { workflow: string; message: string; claimed: string; why: string }): Promise<void>;
  /** `own`: the workflow that has the id is the gate's own, started by this release before. Null in histories of earlier versions. */
  gateIdTaken(input: { gate: GateId }): Promise<{ own: boolean } | null>;

  // the slot
  /** Where the policy asks for no gate: checks that in the database and records the policy's own approval. */
  approveByPolicy(input: { release: ReleaseId }): Promise<{ approval: string }>;
  /** Recomputes digests, verifies the approval and its tokens, then moves the slot in one compare-and-set. */
  deploy(input: { release: ReleaseId }): Promise<{ summary: string; epoch: number; environment: string; version: VersionId }>;

  // the watch
  /** All jobs of the watch in one: for rounds that an earlier version of the product began. */
  findDeadRuns(): Promise<{ dead: { kind: "release" | "gate"; id: string }[] }>;
}

/** Each job of the watch cures what it finds, and gives the ids. `only`: the one release or gate that somebody waits for. */
export type WatchActivities = Record<WatchJob, (asked?: { only?: string }) => Promise<{ found: string[] }>>;

/** What ages goes: once an hour, beside everything else. Each gives how much it removed. */
export interface RetentionActivities {
  /** Rows that are older than the settings say. */
  forgetRecords(): Promise<Removed>;
  /** Once a day: artifacts that nothing names. */
  collectArtifacts(): Promise<Removed>;
}

export interface ReproductionStarted {
  ok: true;
  /** Null where another one of the same version runs, which answers this command too. */
  work: {
    /** The ONNX bytes of the version. */
    recorded: Digest;
    training: TrainingAgain;
    holdout: Digest | null;
  } | null;
}

export type ReproducedTraining = Pick<TrainResult, "model" | "trainer" | "seed" | "parameters" | "environment" | "modelBytes">;
export type ReproductionEnded = { id: string } & (
  | { trained: ReproducedTraining; compared: ModelsCompared }
  | { fault: { code: string; message: string } }
);

export interface RecalledModel {
  /** One more than the highest release number there is. */
  nextNumber: number;
  /** Null when the model was never applied. */
  definition: Digest | null;
  active: { release: ReleaseId; definition: Digest; hasParameters: boolean } | null;
  queued: { release: ReleaseId; definition: Digest; hasParameters: boolean } | null;
  /** The newest release, where its reviewers asked for changes and the successor has not been created. */
  unsucceeded?: { release: ReleaseId; gate: GateId } | null;
}

export interface FrozenGate {
  gate: GateId;
  digest: Digest;
  verdict: Verdict;
  /** People have answered this gate before, about the same bytes: nobody is asked twice. */
  resolution?: Resolution;
}

/** The policy's condition did not call for this gate; that is on record. */
export interface GateNotNeeded {
  notNeeded: string;
}

export interface RequestedChanges {
  by: PrincipalId;
  reason: string;
  returnTo: Stage | null;
  parameters: ReleaseParameters;
}

export type GateOpening =
  | {
      kind: "open";
      request: Pick<GateRequest, "ask" | "deciders" | "excluded" | "deadline" | "timeline" | "escalation"> & {
        digest: Digest;
        release: ReleaseId | null;
        model: ModelName | null;
        tier: Tier | null;
        /** Why nobody can complete the quorum. */
        undecidable?: string | null;
      };
    }
  | { kind: "closed"; resolution: Resolution; outcome?: GateOutcome | null }
  /** No such request was ever frozen: somebody started this workflow by hand. */
  | { kind: "unknown" };

export type GateClosing =
  /** `outcome` is absent in histories of earlier versions of the product. `told`: who asked knows already. */
  | { kind: "closed"; resolution: Resolution; at: Timestamp; outcome?: GateOutcome; told?: boolean }
  /** The gate goes on waiting; these do not count, or no longer. */
  | { kind: "open"; dropped: { command: string; why: string }[] };

/** Messages to people. No other workflow waits for any of it. */
export interface NotifyActivities {
  /** Reads the audit chain on, puts what is to be told into the outbox, and gives what is due, in lanes. */
  planMessages(): Promise<{
    due: { id: string; notice: string; subject: string; destination: string; lane: string; isPosted: boolean }[];
    /** In how many milliseconds the next message is due; null: none waits. */
    nextMs: number | null;
    /** There are more records to read. */
    more: boolean;
  }>;
  /** Brings one message to what it should say now. */
  deliverMessage(input: { id: string }): Promise<{ outcome: "delivered" | "nothing-to-say" | "put-off" | "given-up" }>;
}
