import type { StabilityReport } from "../../domain/evaluation-detail.ts";
import { type MetricName, type MetricRow, metricsOf } from "../../domain/evidence.ts";
import { countInWords, metricInSentence, metricInWords } from "../../domain/wording.ts";
import { type BootstrapResult, fewestTold } from "../metrics/bootstrap.ts";
import type { AnsweredHoldout } from "./evaluate-answers.ts";
import { fewestRowsOfAWindow } from "./stability.ts";

/** Below this many rows of the rarer class an interval of the AUC is wider than about ±0.05 (Hanley and McNeil 1982). */
const fewOfAClass = 100;
const fewRows = 500;

interface Noted {
  input: AnsweredHoldout;
  metrics: MetricRow[];
  rounds: number;
  untold: BootstrapResult["untold"];
  stability: StabilityReport | null;
}

/** What a reader must know before believing the numbers, a sentence each. */
export function notesOn({ input, metrics, rounds, untold, stability }: Noted): string[] {
  const { targets, label, definition } = input;
  const notes: string[] = [];
  if (targets.length < fewRows)
    notes.push(`Only ${countInWords(targets.length)} rows are held out: they say little, and every interval here is wide.`);
  if (label.task !== "regression") notes.push(...rareClasses(input));
  for (const { metric, candidate, threshold, settled, verdict } of metrics) {
    if (threshold === null || settled !== false) continue;
    const ends = `${metricInWords(candidate.low)} to ${metricInWords(candidate.high)}`;
    notes.push(
      `Whether ${metricInSentence(metric)} really ${verdict === "pass" ? "passes" : "misses"} ${threshold.pass} these rows do not settle: it lies between ${ends}.`,
    );
  }
  const asked = definition.evaluate.bootstrapRounds;
  if (rounds < asked)
    notes.push(
      `Intervals come from ${rounds} resamples and not from ${asked}: more would take too long on ${countInWords(targets.length)} rows.`,
    );
  for (const [metric, lost] of Object.entries(untold)) notes.push(untoldRounds(metric as MetricName, { lost, rounds }));
  const absent = metricsOf[label.task].filter((name) => !(name in untold) && !metrics.some(({ metric }) => metric === name));
  if (absent.length > 0)
    notes.push(
      `Left out, because these rows cannot tell ${absent.length === 1 ? "it" : "them"}: ${absent.map(metricInSentence).join(", ")}.`,
    );
  if (input.times !== null && stability === null)
    notes.push(
      `Whether it holds over time is not told: two windows of ${fewestRowsOfAWindow} rows with different times in ${input.times.by} are the least.`,
    );
  return notes;
}

function rareClasses({ targets, label }: AnsweredHoldout): string[] {
  const names = label.task === "multiclass" ? label.classes : ["negative", "positive"];
  const counts = names.map(() => 0);
  for (const target of targets) counts[target]! += 1;
  const absent = names.filter((_, index) => counts[index] === 0);
  const rare = names.flatMap((name, index) =>
    counts[index]! > 0 && counts[index]! < fewOfAClass ? [`${counts[index]} ${name}`] : [],
  );
  return [
    ...(absent.length === 0
      ? []
      : [
          `Among the rows held out there is none of ${absent.join(", ")}: nothing can be said of ${absent.length === 1 ? "it" : "them"}.`,
        ]),
    ...(rare.length === 0 ? [] : [`Only ${rare.slice(0, 5).join(", ")} among the rows held out.`]),
  ];
}

function untoldRounds(metric: MetricName, { lost, rounds }: { lost: number; rounds: number }): string {
  const name = metricInSentence(metric);
  const said = `In ${lost} of ${rounds} resamples ${name} cannot be told, because a rare class was not drawn`;
  return rounds - lost < fewestTold ? `${said}: it is left out.` : `${said}: its interval comes from the other ${rounds - lost}.`;
}
