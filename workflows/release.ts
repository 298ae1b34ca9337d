import {
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { ModelName, ReleaseId } from "../domain/ids.ts";
import { workflowIds } from "../domain/ids.ts";
import type { ReleaseOutcome } from "../domain/lifecycle.ts";
import type { EvaluateResult, FeaturizeResult, IngestResult, TrainResult } from "../domain/stage-results.ts";
import { passGates, passGatesMissed } from "./gate-passage.ts";
import {
  gateClosedSignal,
  releaseCommandSignal,
  releaseCommandUpdate,
  releaseEndedSignal,
  releaseStateQuery,
} from "./messages.ts";
import { record, stageWork } from "./records.ts";
import { ReleaseDesk } from "./release-desk.ts";
import { ReleaseEnd, ReleaseRun } from "./release-run.ts";
import { makeFindable } from "./search-attributes.ts";
import { tellEnded } from "./subject-gate.ts";
import { trainCandidate } from "./training.ts";

export interface ReleaseInput {
  release: ReleaseId;
  model: ModelName;
}

interface Ending {
  outcome: ReleaseOutcome;
  summary: string;
}

/**
 * One pass of one model through the stages. `release/<model>.<n>`:
 *
 *   ingest → validate → featurize → train ─[gates]→ evaluate ─[gates]→ deploy → monitor → promoted
 *      └ a stage that fails for good ──> blocked ── retry / skip / abandon (a person says) ──┘
 *   a gate closed otherwise ──> rejected, changes-requested, expired, withdrawn
 *   evaluation below its thresholds, or worse than the champion where nobody is asked ──> kept
 *   withdrawn by a person, at any time before the slot moves ──> withdrawn
 */
export async function release(input: ReleaseInput): Promise<{ release: ReleaseId; outcome: ReleaseOutcome }> {
  const desk = new ReleaseDesk();
  let run: ReleaseRun | null = null;
  setHandler(releaseCommandUpdate, (command) => desk.take(command));
  setHandler(releaseCommandSignal, (command) => void desk.take(command));
  setHandler(gateClosedSignal, (report) => desk.hint(report?.gate));
  setHandler(releaseStateQuery, () => ({
    state: run?.state ?? "queued",
    stage: run?.stage ?? null,
    waitsFor: run?.waitsFor ?? "Starting.",
  }));

  const [searchable, pinned] = await Promise.all([
    record("Asks whether runs can be searched").searchAttributesReady(),
    record("Starts the release").startRelease({
      release: input.release,
      runId: workflowInfo().runId,
    }),
  ]);
  if (!pinned.ok) return finish(input, { outcome: "abandoned", summary: pinned.message });

  makeFindable(searchable, { model: input.model, tier: pinned.tier });
  const context = {
    model: input.model,
    release: input.release,
    definition: pinned.definition,
    parameters: pinned.parameters,
  };
  const walked = (run = new ReleaseRun({ context, pinned, desk, searchable }));
  const work = new CancellationScope();
  // Whoever cancels the run in Temporal ends its work; a loop that nobody waits for must not fail by it.
  void CancellationScope.nonCancellable(() => desk.serve(() => work.cancel()));
  const ending = await work.run(() => walk(walked)).catch((error: unknown) => endingOf(error, walked));
  walked.tell("ended", ending.summary);
  return CancellationScope.nonCancellable(async () => {
    const finished = await finish(input, ending);
    // Its row was closed with the release's; where it heard before, it has ended.
    if (walked.gate !== null && patched("tells-its-gate")) await tellEnded(walked.gate);
    return finished;
  });
}

function endingOf(error: unknown, run: ReleaseRun): Ending {
  // Once the slot moved the version serves: whatever came after, the release was promoted.
  if (run.promoted)
    return {
      outcome: "promoted",
      summary: `${run.release} is the champion; what came after its deployment was broken off.`,
    };
  if (error instanceof ReleaseEnd) return { outcome: error.outcome, summary: error.message };
  if (isCancellation(error)) {
    return run.desk.withdrawn
      ? { outcome: "withdrawn", summary: `${run.release} was withdrawn.` }
      : { outcome: "abandoned", summary: `${run.release} was cancelled in Temporal.` };
  }
  throw error;
}

async function finish(input: ReleaseInput, ending: Ending) {
  await record(`The release ends: ${ending.outcome}`).endRelease({
    release: input.release,
    outcome: ending.outcome,
    next: null,
    summary: ending.summary,
  });
  try {
    await getExternalWorkflowHandle(workflowIds.lifecycle(input.model)).signal(releaseEndedSignal, {
      release: input.release,
    });
  } catch {
    // The lifecycle is gone; when it starts again it recalls from the database how this release ended.
  }
  return { release: input.release, outcome: ending.outcome };
}

async function walk(run: ReleaseRun): Promise<Ending> {
  const made = await make(run);
  await passGates(run, "train");
  const evaluation = await examine(run, made);
  await decide(run, evaluation, () => examine(run, made));
  await deploy(run);
  await enrol(run, made);
  return {
    outcome: "promoted",
    summary: `${run.release} is the champion of ${run.pinned.environment}.`,
  };
}

interface Made {
  dataset: IngestResult;
  featurized: FeaturizeResult;
  trained: TrainResult;
}

/** From data to an immutable version. */
async function make(run: ReleaseRun): Promise<Made> {
  const dataset = needed(
    await run.runStage(
      "ingest",
      (context) => stageWork("Reads the sources and freezes their bytes").ingest(context),
      run.nextAfter("ingest", "validate"),
    ),
  );
  await passGates(run, "ingest");
  needed(
    await run.runStage(
      "validate",
      (context) => stageWork("Checks the data against its contract").validate({ ...context, dataset: dataset.dataset }),
      run.nextAfter("validate", "featurize"),
    ),
  );
  await passGates(run, "validate");
  const featurized = needed(
    await run.runStage(
      "featurize",
      (context) => stageWork("Computes features and splits the rows").featurize({ ...context, dataset: dataset.dataset }),
      run.nextAfter("featurize", "train"),
    ),
  );
  await passGates(run, "featurize");
  const trained = needed(
    await run.runStage("train", (context) => trainCandidate({ ...context, spec: featurized.spec, train: featurized.train })),
  );
  const recorded = () =>
    record("Records the version").recordVersion({
      release: run.release,
      dataset: dataset.dataset,
      featurized,
      trained,
    });
  await run.orBlock("train", recorded);
  return { dataset, featurized, trained };
}

/** Candidate against champion on the same holdout. */
async function examine(run: ReleaseRun, { featurized, trained }: Made): Promise<EvaluateResult> {
  const evaluation = needed(
    await run.runStage("evaluate", async (context) => {
      const champion = await record("Reads who the champion is").readChampion({
        model: context.model,
        environment: run.pinned.environment,
      });
      const candidate = { onnx: trained.model, features: featurized.spec };
      return stageWork("Evaluates the candidate against the champion").evaluate({
        ...context,
        holdout: featurized,
        candidate,
        baseline: trained.baseline ?? null,
        champion,
      });
    }),
  );
  await run.orBlock("evaluate", () => record("Records the evaluation").recordEvaluation({ release: run.release, evaluation }));
  return evaluation;
}

/** Thresholds, then people; where the policy asks nobody, the policy itself, on record. */
async function decide(run: ReleaseRun, evaluation: EvaluateResult, renew: () => Promise<EvaluateResult>): Promise<void> {
  const refuseFailed = ({ verdict, summary }: EvaluateResult) => {
    if (verdict === "fail") throw new ReleaseEnd("kept", `Not promoted: ${summary}`);
  };
  refuseFailed(evaluation);
  const renewed = async () => refuseFailed(await renew());
  await passGates(run, "evaluate", renewed);
  const lookedAgain = await passGatesMissed(run, renewed);
  if (run.asked.size === 0 && evaluation.worseThanChampion)
    throw new ReleaseEnd("kept", `Not promoted, it is worse than the champion: ${evaluation.summary}`);
  if (run.approvedByItsLastGate && !lookedAgain) return;
  await record("The policy asks nobody; that is put on record").approveByPolicy({
    release: run.release,
  });
}

async function deploy(run: ReleaseRun): Promise<void> {
  const move = async () => {
    // The move of the slot itself is not broken off: a withdrawal waits until it is known whether it happened.
    await run.desk.decided();
    run.desk.deploying = true;
    try {
      const moved = await CancellationScope.nonCancellable(() =>
        record("Verifies bytes and approval, then moves the slot").deploy({ release: run.release }),
      );
      run.promoted = true;
      return moved;
    } finally {
      run.desk.deploying = false;
    }
  };
  // Between a person's yes and the move stands as little as can be.
  await run.runStage("deploy", move, { beginsItself: true, next: "monitor" });
}

async function enrol(run: ReleaseRun, { featurized, trained }: Made): Promise<void> {
  await run.runStage("monitor", (context) =>
    stageWork("Keeps the reference profile and takes a first look").monitor({
      ...context,
      version: run.release,
      environment: run.pinned.environment,
      train: featurized.train,
      spec: featurized.spec,
      holdout: featurized.holdout,
      onnx: trained.model,
    }),
  );
}

/** A stage that no policy lets anybody skip has a result. */
function needed<Result>(result: Result | null): Result {
  if (result === null) throw new ReleaseEnd("abandoned", "A stage was skipped whose result the next one needs.");
  return result;
}
