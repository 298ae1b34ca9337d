import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  setCurrentDetails,
  setHandler,
} from "@temporalio/workflow";
import type { ReproducedTraining, ReproductionStarted } from "../activities/contract.ts";
import type { ModelsCompared } from "../domain/reproduction.ts";
import type { CommandOf } from "../domain/signed-command.ts";
import { blockedCause } from "./blocked-cause.ts";
import { reproductionUpdate } from "./messages.ts";
import { record, trainWork } from "./records.ts";
import { trainSecondTime } from "./training.ts";

/** It is started together with its command; one that gets none was started by hand. */
const commandWithin = "1 minute";

/**
 * A version's training run a second time, to see whether it gives the same bytes. `reproduction/<command id>`:
 *
 *   started ── its command ──> startReproduction ──> trained anew ──> compared ──> endReproduction
 *                                   ├ refused             └ failed: recorded with the cause
 *                                   └ another one runs, which answers this command too
 *
 * It touches no slot, no release and no version.
 */
export async function reproduction(): Promise<void> {
  let command: CommandOf<"reproduce"> | null = null;
  setHandler(reproductionUpdate, (given) => {
    command ??= given;
    return { accepted: true };
  });
  if (!(await condition(() => command !== null, commandWithin))) return;
  // The handler set it, which the compiler cannot see.
  const given = command as unknown as CommandOf<"reproduce">;
  const begun = await record("Verifies who asks and reads what was trained").startReproduction(given);
  if (begun.ok && begun.work !== null) {
    setCurrentDetails(`Trains ${given.body.version} a second time.`);
    const ended = await trainAndCompare(begun.work);
    await CancellationScope.nonCancellable(() =>
      record("Records whether the bytes are the same").endReproduction({ id: given.id, ...ended }),
    );
    setCurrentDetails("fault" in ended ? `It could not be trained again: ${ended.fault.message}` : "Compared and recorded.");
  }
  await condition(allHandlersFinished);
}

type Work = NonNullable<ReproductionStarted["work"]>;
type Found = { trained: ReproducedTraining; compared: ModelsCompared } | { fault: { code: string; message: string } };

async function trainAndCompare({ recorded, training, holdout }: Work): Promise<Found> {
  try {
    const trained = await trainSecondTime(training);
    const compared = await trainWork("Compares files, graphs and answers").compareTrainings({
      recorded: { onnx: recorded, files: training.files },
      now: { onnx: trained.model, files: trained.files ?? null },
      spec: training.spec,
      holdout,
    });
    const { model, trainer, seed, parameters, environment, modelBytes } = trained;
    return { trained: { model, trainer, seed, parameters, environment, modelBytes }, compared };
  } catch (error) {
    if (isCancellation(error)) return { fault: { code: "cancelled", message: "It was cancelled in Temporal." } };
    const { cause } = blockedCause("train", error, false);
    return { fault: { code: cause.code, message: cause.message } };
  }
}
