import { ActivityFailure, ApplicationFailure } from "@temporalio/common";
import { isCancellation, setCurrentDetails } from "@temporalio/workflow";
import type { PinnedRelease } from "../activities/contract.ts";
import type { Digest, GateId } from "../domain/ids.ts";
import type { BlockedCause, ReleaseOutcome, ReleaseState } from "../domain/lifecycle.ts";
import { mergeParameters } from "../domain/release-parameters.ts";
import { gateStages, type GateStage, type PolicyGate } from "../domain/policy.ts";
import type { StageContext } from "../domain/stage-results.ts";
import type { Stage } from "../domain/stages.ts";
import { blockedCause } from "./blocked-cause.ts";
import { record } from "./records.ts";
import type { ReleaseDesk, Unblocked } from "./release-desk.ts";
import { makeFindable } from "./search-attributes.ts";

/** How a release ends before its last stage; caught by the release's main function. */
export class ReleaseEnd extends Error {
  readonly outcome: ReleaseOutcome;

  constructor(outcome: ReleaseOutcome, summary: string) {
    super(summary);
    this.outcome = outcome;
  }
}

/** One release under way: what it is pinned to, where it stands, and how a stage of it is run. */
export class ReleaseRun {
  readonly pinned: PinnedRelease;
  readonly desk: ReleaseDesk;
  readonly searchable: boolean;
  state: ReleaseState = "running";
  stage: Stage | null = null;
  waitsFor = "Starting.";
  promoted = false;
  /** The gate at which it waits. */
  gate: GateId | null = null;
  /** Names of the gates at which somebody was asked. */
  readonly asked = new Set<string>();
  private readonly tookOver = new Set<Stage>();
  /** The stage whose beginning is on record already. */
  private begun: Stage | null = null;
  private context: StageContext;

  constructor(given: { context: StageContext; pinned: PinnedRelease; desk: ReleaseDesk; searchable: boolean }) {
    this.context = given.context;
    this.pinned = given.pinned;
    this.desk = given.desk;
    this.searchable = given.searchable;
  }

  get release() {
    return this.context.release;
  }

  /** Says in one sentence, to the Temporal UI and to searches, where the release stands. */
  tell(state: ReleaseState, waitsFor: string): void {
    this.state = state;
    this.waitsFor = waitsFor;
    setCurrentDetails(waitsFor);
    makeFindable(this.searchable, { state, ...(this.stage && { stage: this.stage }) });
  }

  /** The last gate on the way brings the approval, if it was asked at all and a version was there to ask about. */
  get approvedByItsLastGate(): boolean {
    const order = (gate: PolicyGate) => gateStages.indexOf(gate.after);
    const last = this.pinned.gates.toSorted((one, other) => order(one) - order(other)).at(-1);
    return last !== undefined && this.asked.has(last.name) && order(last) >= gateStages.indexOf("train");
  }

  /** What follows a stage at once: the next one, unless a gate stands between. */
  nextAfter(stage: GateStage, next: Stage): { next?: Stage } {
    return this.pinned.gates.some((gate) => gate.after === stage) ? {} : { next };
  }

  /**
   * Runs one stage to its end. What fails for good blocks the release until a person says retry
   * (with changed parameters), skip (null is returned) or abandon. `beginsItself`: the stage's own
   * activity puts its beginning on record. `next`: the stage that follows at once, whose beginning
   * goes on record with this one's end.
   */
  async runStage<Result extends { summary: string }>(
    stage: Stage,
    work: (context: StageContext) => Promise<Result>,
    { beginsItself = false, next }: { beginsItself?: boolean; next?: Stage } = {},
  ): Promise<Result | null> {
    const begun = beginsItself || this.begun === stage;
    this.stage = stage;
    const before = this.takeOver(stage);
    // Of the same stage of the same release, as its activity gave it then.
    if (before !== null) return before as Result;
    for (let attempts = 1; ; attempts++) {
      this.tell("running", `${stage} is running.`);
      if (!begun || (attempts > 1 && !beginsItself)) await record(`${stage} begins`).beginStage({ release: this.release, stage });
      try {
        const result = await work(this.context);
        const ended = { release: this.release, stage, attempts, result };
        await record(next ? `${stage} is done, ${next} begins` : `${stage} is done`).endStage({
          ...ended,
          ...(next && { begins: next }),
        });
        this.begun = next ?? null;
        return result;
      } catch (error) {
        const said = await this.blockFor(stage, error);
        if (said.action !== "skip" || !this.pinned.skippable.includes(stage)) continue;
        if (await this.skip(stage)) return null;
      }
    }
  }

  /** False where the records know of nobody who asked to skip it: the release is blocked again, and the stage is done. */
  private async skip(stage: Stage): Promise<boolean> {
    try {
      await record(`${stage} is skipped`).skipStage({ release: this.release, stage });
      return true;
    } catch (error) {
      await this.blockFor(stage, error);
      return false;
    }
  }

  /** What a run before this one did of this stage, once. */
  private takeOver(stage: Stage): ({ summary: string } & object) | null {
    const result = this.pinned.done?.[stage];
    if (result === undefined || this.tookOver.has(stage)) return null;
    this.tookOver.add(stage);
    this.begun = null;
    return result;
  }

  /** Records between the stages: what fails for good blocks the release as a stage does, and a retry does it again. */
  async orBlock<Result>(stage: Stage, work: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        await this.blockFor(stage, error);
      }
    }
  }

  private blockFor(stage: Stage, error: unknown): Promise<Unblocked> {
    if (isCancellation(error) || !(error instanceof ActivityFailure || error instanceof ApplicationFailure)) throw error;
    const { cause, log } = blockedCause(stage, error, this.pinned.skippable.includes(stage));
    return this.block(cause, log);
  }

  /** Blocks the release until somebody who may says how it goes on. */
  async block(cause: BlockedCause, log: Digest | null): Promise<Unblocked> {
    await record(`Blocked at ${cause.stage}`).blockRelease({ release: this.release, cause, log });
    this.tell("blocked", `Blocked at ${cause.stage}: ${cause.message} ${cause.cure}`);
    const said = await this.desk.nextUnblocked();
    if (said.action === "abandon")
      throw new ReleaseEnd("abandoned", `Abandoned by ${said.by} after ${cause.stage} failed: ${said.reason}`);
    this.context = {
      ...this.context,
      parameters: mergeParameters(this.context.parameters, said.parameters),
    };
    return said;
  }
}
