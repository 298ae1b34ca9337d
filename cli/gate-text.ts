import type { MetricRow } from "../domain/evidence.ts";
import { higherIsBetter } from "../domain/evidence.ts";
import type { GateView } from "../domain/http/gate-views.ts";
import { changeInWords, metricInWords } from "../domain/wording.ts";
import { clock, paint, table, toneOf } from "./output.ts";
import type { Output } from "./output.ts";

/** The gate as a person should see it before deciding: the ask, the number, what changes, who. */
export function gateInWords(output: Output, gate: GateView): string {
  const { request, you } = gate;
  const { evidence, deciders, excluded } = request;
  const state = gate.resolution ?? gate.state;
  return [
    `${paint(output, "strong", gate.id)}  ${paint(output, toneOf(state), state)}`,
    request.ask,
    request.why,
    `${paint(output, toneOf(evidence.recommendation.verdict), evidence.recommendation.verdict)}: ${evidence.recommendation.sentence}`,
    ...(evidence.evaluationBody === null ? [] : ["", metricTable(output, evidence.evaluationBody.metrics)]),
    "",
    `Decides   ${deciders.quorum === 1 ? "one member" : `${deciders.quorum} members`} of ${deciders.groups.join(" or ")}, until ${clock(request.deadline)}`,
    ...excluded.map(({ principal, why }) => `Not       ${principal}, who ${why}`),
    ...gate.decisions.map(
      (one) =>
        `Decided   ${one.by}: ${one.decision}${one.counted ? "" : " (does not count)"}${one.reason === null ? "" : `, “${one.reason}”`}, ${clock(one.at)}`,
    ),
    ...gate.missing.map((missing) => `Missing   ${missing}`),
    ...(gate.state === "open" ? [`You       ${you.mayDecide ? "may decide" : (you.why ?? "may not decide")}`] : []),
    ...(gate.supersededBy === null ? [] : [`Replaced  by ${gate.supersededBy}`]),
    `Digest    ${request.digest}`,
    `Review    ${gate.links.console}`,
  ].join("\n");
}

function metricTable(output: Output, rows: MetricRow[]): string {
  const cells = rows.map((row) => [
    row.metric,
    `${metricInWords(row.candidate.value)} [${metricInWords(row.candidate.low)}, ${metricInWords(row.candidate.high)}]`,
    row.champion === null ? "–" : metricInWords(row.champion.value),
    row.change === null ? "–" : changeInWords(row.change.value),
    row.threshold === null ? "–" : `${higherIsBetter[row.metric] ? "≥" : "≤"} ${row.threshold.pass}`,
    row.verdict,
  ]);
  return table(
    output,
    [["metric", "candidate [95 %]", "champion", "change", "wanted", "verdict"], ...cells],
    [{ column: 5, tone: toneOf }],
  );
}
