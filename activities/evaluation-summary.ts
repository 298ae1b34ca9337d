import type { Evaluation, MetricRow } from "../domain/evidence.ts";
import { countInWords, metricInSentence, metricTitles } from "../domain/wording.ts";

/** "AUC 0.655 (0.648–0.662) on 20,197 held-out flights, passes 0.62; champion 0.641; 4.1 % of decisions flip." */
export function summaryOf(evaluation: Evaluation, source: string): string {
  const { headline, metrics, rows, verdict, flips, fairness, baseline, mayHaveSeen } = evaluation;
  const { value, low, high } = headline.candidate;
  const row = metrics.find(({ metric }) => metric === headline.metric);
  const name = metricTitles[headline.metric];
  const sentence = `${name} ${digits(value)} (${digits(low)}–${digits(high)}) on ${countInWords(rows)} held-out ${source}${judgement(row)}`;
  const parts = [sentence, ...metrics.filter(({ metric }) => metric !== headline.metric).flatMap(shortfall)];
  for (const one of fairness ?? []) if (one.verdict !== "pass") parts.push(fairnessInWords(one));
  if (baseline !== undefined && baseline !== null && baseline.outcome !== "better")
    parts.push(baseline.outcome === "worse" ? "worse than the simple baseline" : "no better than the simple baseline");
  parts.push(headline.champion === null ? "no champion yet" : `champion ${digits(headline.champion)}`);
  if (flips !== null) parts.push(`${(100 * flips.share).toFixed(1)} % of decisions flip`);
  const first = mayHaveSeen === undefined ? "" : `${mayHaveSeen} `;
  return `${first}${parts.join("; ")}.${verdict === "fail" ? " The candidate fails." : ""}`;
}

function judgement(row: MetricRow | undefined): string {
  if (row === undefined || row.threshold === null) return "";
  const { verdict, threshold, settled } = row;
  if (verdict === "fail") return `, fails ${threshold.fail}`;
  const doubt = verdict === "pass" && settled === false ? ", though not surely" : "";
  return `, ${verdict === "pass" ? "passes" : "misses"} ${threshold.pass}${doubt}`;
}

function shortfall({ metric, candidate, verdict }: MetricRow): string[] {
  if (verdict === "pass") return [];
  return [`${metricInSentence(metric)} ${digits(candidate.value)} ${verdict === "fail" ? "fails" : "is a warning"}`];
}

function fairnessInWords(row: NonNullable<Evaluation["fairness"]>[number]): string {
  const { attribute, gap, limit, verdict, measure } = row;
  if (gap === null) return `too few rows to say whether it is fair by ${attribute}`;
  const within = measure === "selectionRateRatio" ? gap >= limit : gap <= limit;
  const left = row.measures.find((one) => one.measure === measure)?.leftOut ?? [];
  if (within && left.length > 0) return `by ${attribute} too few rows to compare ${left.map(({ part }) => part).join(", ")}`;
  if (within) return `the gap by ${attribute} of ${digits(gap)} may be beyond its limit ${limit}`;
  return `the gap by ${attribute} of ${digits(gap)} is ${verdict === "fail" ? "far beyond" : "beyond"} its limit ${limit}`;
}

/** Three decimals; errors in the label's own unit may be large. */
function digits(value: number): string {
  return Math.abs(value) >= 100 ? value.toPrecision(4) : value.toFixed(3);
}
