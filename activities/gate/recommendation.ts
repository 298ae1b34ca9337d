import type { Estimate, Evaluation } from "../../domain/evidence.ts";
import type { GateEvidence } from "../../domain/gate.ts";
import { metricInSentence } from "../../domain/wording.ts";

const openings: Record<Evaluation["verdict"], string> = {
  pass: "Recommended",
  warn: "With reservations",
  fail: "Not recommended",
};

/** The evaluation's verdict in a sentence with its margin; before there is one, what the last stage found. It never acts by itself. */
export function recommend(evaluation: Evaluation | null, stages: GateEvidence["stages"]): GateEvidence["recommendation"] {
  if (!evaluation)
    return { verdict: "warn", sentence: stages.at(-1)?.summary || "No stage has found anything yet; nothing was evaluated." };
  const { headline, verdict, rows, championVersion } = evaluation;
  const parts = [
    `${openings[verdict]}: ${metricInSentence(headline.metric)} ${inWords(headline.candidate)} on ${rows.toLocaleString("en")} rows`,
  ];
  const change = evaluation.metrics.find((row) => row.metric === headline.metric)?.change;
  if (headline.champion !== null)
    parts.push(`${rounded(headline.champion)} by the champion${championVersion ? ` ${championVersion}` : ""}`);
  if (change) parts.push(`a change of ${signed(change.value)} (${signed(change.low)} to ${signed(change.high)})`);
  if (headline.threshold !== null) parts.push(`threshold ${rounded(headline.threshold)}`);
  const below = evaluation.metrics.filter((row) => row.verdict !== "pass").map((row) => metricInSentence(row.metric));
  const doubts = below.length > 0 ? ` Short of its threshold: ${below.join(", ")}.` : "";
  const groups = (evaluation.fairness ?? []).filter((row) => row.verdict !== "pass").map((row) => ` ${row.sentence}`);
  const simple = evaluation.baseline ?? null;
  const beside = simple === null || simple.outcome === "better" ? "" : ` ${simple.sentence}`;
  const first = evaluation.mayHaveSeen === undefined ? "" : `${evaluation.mayHaveSeen} `;
  return { verdict, sentence: `${first}${parts.join(", ")}.${doubts}${groups.join("")}${beside}` };
}

function inWords({ value, low, high }: Estimate): string {
  return `${rounded(value)} (${rounded(low)} to ${rounded(high)})`;
}

function signed(value: number): string {
  return value < 0 ? rounded(value) : `+${rounded(value)}`;
}

/** Four digits tell apart what an interval on some ten thousand rows can tell apart. */
function rounded(value: number): string {
  return value.toFixed(4);
}
