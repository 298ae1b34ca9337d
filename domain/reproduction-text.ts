import type { ReproductionEffect, ReproductionState, TrainingDifference } from "./reproduction.ts";

interface Told {
  state: ReproductionState;
  differs: TrainingDifference[];
  fault: { message: string } | null;
}

/** What came of a second training, in a sentence or two; the surfaces list the rest beside it. */
export function reproductionInWords({ state, differs, fault }: Told): string {
  switch (state) {
    case "running":
      return "It is being trained a second time.";
    case "lost":
      return "Its workflow ended without an answer; train it again.";
    case "failed":
      return `It could not be trained again: ${fault?.message ?? "nobody knows why."}`;
    case "same":
      return differs.length === 0
        ? "The second training gave the same bytes."
        : `The second training gave the same bytes, although this is otherwise: ${listOf(differs)}.`;
    case "other":
      return `The second training gave other bytes. ${causeInWords(differs)}`;
  }
}

/** The digest itself is no cause, nor are the size and the place in the graph: they are what follows. */
function causeInWords(differs: TrainingDifference[]): string {
  const causes = differs.filter(({ what }) => /^(?:trainer|seed|parameter |environment |file (?!model\.onnx$))/.test(what));
  const place = differs.find(({ what }) => what.startsWith("graph: "));
  const where = place === undefined ? "" : ` The models differ first at ${place.what.slice("graph: ".length)}.`;
  return causes.length === 0
    ? `Nothing on record differs: the trainer itself does not repeat itself.${where}`
    : `What is otherwise than on record: ${listOf(causes)}.${where}`;
}

const named = 5;

function listOf(differs: TrainingDifference[]): string {
  const more = differs.length > named ? ` and ${differs.length - named} more` : "";
  return `${differs
    .slice(0, named)
    .map(({ what }) => what)
    .join(", ")}${more}`;
}

const effectTitles: Record<string, string> = { auc: "AUC", logLoss: "Log loss", rmse: "RMSE", mae: "Mean absolute error" };

/** A metric of both models on the same holdout. */
export function effectInWords({ metric, recorded, now }: ReproductionEffect): string {
  const title = effectTitles[metric] ?? `${metric.charAt(0).toUpperCase()}${metric.slice(1)}`;
  if (recorded === null) return `${title}: ${shown(now)}`;
  return `${title} on the holdout: ${shown(recorded)} → ${shown(now)}`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}
