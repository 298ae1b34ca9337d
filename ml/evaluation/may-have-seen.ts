import type { TrainDefinition } from "../../domain/train-schema.ts";
import { countInWords } from "../../domain/wording.ts";

/**
 * Whether a model that was trained elsewhere may know held-out rows, in a sentence; null where it cannot. Only what was
 * trained here is known not to have seen them. Of an imported model it is known where its origin says until when rows
 * were trained on, and every held-out row has a time that is not before.
 */
export function mayHaveSeen(
  train: TrainDefinition,
  { times, targets }: { times: { values: Float64Array } | null; targets: ArrayLike<number> },
): string | null {
  if (train.trainer !== "import") return null;
  const until = train.origin?.trainedUntil;
  if (until === undefined)
    return "This model was trained elsewhere and may have seen the holdout: its origin does not say on which rows it was trained (train.origin.trainedUntil).";
  if (times === null)
    return `This model was trained elsewhere, as declared on rows before ${until}, and may have seen the holdout: when its rows happened is not known here.`;
  const end = Date.parse(until);
  const rows = targets.length;
  let [before, unknown] = [0, 0];
  for (const time of times.values) {
    if (!Number.isFinite(time)) unknown += 1;
    else if (time < end) before += 1;
  }
  if (before + unknown === 0) return null;
  const parts = [
    ...(before > 0 ? [`${countInWords(before)} of ${countInWords(rows)} held-out rows are from before ${until}`] : []),
    ...(unknown > 0 ? [`${countInWords(unknown)} have no time`] : []),
  ];
  return `This model was trained elsewhere and may have seen the holdout: ${parts.join(", and ")}, and until then it was trained, as declared.`;
}
