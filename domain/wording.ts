import type { LeftOut } from "./evaluation-detail.ts";
import type { MetricName } from "./evidence.ts";

/** How numbers and spans are worded, alike on every surface. */

/** 850 ms, 12.4 s, 3 min 20 s, 2 h 5 min, 3 d 4 h. */
export function durationInWords(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const units = [
    { name: "d", ms: 86_400_000, part: { name: "h", ms: 3_600_000 } },
    { name: "h", ms: 3_600_000, part: { name: "min", ms: 60_000 } },
    { name: "min", ms: 60_000, part: { name: "s", ms: 1000 } },
  ];
  const unit = units.find((one) => ms >= one.ms);
  if (unit === undefined) return `${ms} ms`;
  const whole = Math.floor(ms / unit.ms);
  const rest = Math.floor((ms - whole * unit.ms) / unit.part.ms);
  return rest === 0 ? `${whole} ${unit.name}` : `${whole} ${unit.name} ${rest} ${unit.part.name}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** 3 Mar 2026, 14:05 UTC: a moment in a sentence that is kept, and read by people in several time zones. */
export function momentInWords(at: string): string {
  const [, year, month, day, time] = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2})/.exec(at) ?? [];
  return year === undefined ? at : `${Number(day)} ${months[Number(month) - 1] ?? month} ${year}, ${time} UTC`;
}

/** a; a or b; a, b or c. */
export function either(words: readonly string[], joint: "or" | "and" = "or"): string {
  return words.length < 2 ? (words[0] ?? "nobody") : `${words.slice(0, -1).join(", ")} ${joint} ${words.at(-1) ?? ""}`;
}

/** 0.712; four digits where the number is small. */
export function metricInWords(value: number): string {
  return Math.abs(value) < 0.1 ? value.toFixed(4) : value.toFixed(3);
}

/** +0.012, −0.0041, with a true minus sign. */
export function changeInWords(value: number): string {
  return `${value < 0 ? "−" : "+"}${metricInWords(Math.abs(value))}`;
}

export const metricTitles: Record<MetricName, string> = {
  auc: "AUC",
  logLoss: "Log loss",
  brier: "Brier score",
  calibrationError: "Calibration error",
  averagePrecision: "Average precision",
  accuracy: "Accuracy",
  balancedAccuracy: "Balanced accuracy",
  precision: "Precision",
  recall: "Recall",
  f1: "F1",
  macroAuc: "AUC, mean of classes",
  macroF1: "F1, mean of classes",
  rmse: "Root mean squared error",
  mae: "Mean absolute error",
  medianAbsoluteError: "Median absolute error",
  r2: "R²",
  pinball: "Pinball loss",
};

/** In the middle of a sentence: `log loss`, but `AUC` and `Brier score`. */
export function metricInSentence(metric: MetricName): string {
  const title = metricTitles[metric];
  return /^(AUC|Brier|F1|R²)/.test(title) ? title : `${title.charAt(0).toLowerCase()}${title.slice(1)}`;
}

/** 12 %, 0.4 %. */
export function shareInWords(share: number): string {
  const percent = share * 100;
  return `${percent !== 0 && Math.abs(percent) < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** 80,000 */
export function countInWords(count: number): string {
  return count.toLocaleString("en-US");
}

/** p = 0.03, p < 0.001: below that nobody decides otherwise. */
export function pInWords(p: number): string {
  return p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(p < 0.1 ? 3 : 2)}`;
}

const leftOutShown = 5;

/** " Left out: F (42 rows: no positives, 10 are needed)."; nothing where nothing was. */
export function leftOutInWords(parts: readonly LeftOut[]): string {
  if (parts.length === 0) return "";
  const told = parts
    .slice(0, leftOutShown)
    .map(({ part, rows, why }) => `${part} (${countInWords(rows)} ${rows === 1 ? "row" : "rows"}: ${why})`);
  if (parts.length > leftOutShown) told.push(`${parts.length - leftOutShown} more`);
  return ` Left out: ${told.join(", ")}.`;
}
