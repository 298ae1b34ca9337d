import { onDeadlineInWords } from "../domain/notice-text.ts";
import type { MetricRow } from "../domain/evidence.ts";
import { higherIsBetter } from "../domain/evidence.ts";
import type { GateView } from "../domain/http/gate-views.ts";
import { quorumInWords } from "../domain/quorum.ts";
import { changeInWords, metricInWords } from "../domain/wording.ts";
import { clock, paint, table, toneOf } from "./output.ts";
import type { Output } from "./output.ts";

/** The gate as a person should see it before deciding: the ask, the number, what changes, who. */
export function gateInWords(output: Output, gate: GateView): string {
  const { request, you } = gate;
  const { evidence, excluded } = request;
  const state = gate.resolution ?? gate.state;
  return [
    `${paint(output, "strong", gate.id)}  ${paint(output, toneOf(state), state)}`,
    request.ask,
    request.why,
    `${paint(output, toneOf(evidence.recommendation.verdict), evidence.recommendation.verdict)}: ${evidence.recommendation.sentence}`,
    ...(evidence.evaluationBody === null ? [] : ["", metricTable(output, evidence.evaluationBody.metrics)]),
    "",
    ...(request.changed === null
      ? []
      : [`Changed since ${request.changed.gate}:`, ...request.changed.changes.map((one) => `  ${one}`), ""]),
    ...(evidence.details ?? []).flatMap(({ title, text }) => [`${title}:`, ...text.split("\n").map((line) => `  ${line}`), ""]),
    `Decides   ${decidersOf(gate)}, until ${clock(request.deadline)}, ${onDeadlineInWords[request.onDeadline]}`,
    ...(gate.overdueSince === null ? [] : [`Overdue   since ${clock(gate.overdueSince)}`]),
    ...(gate.stale === null ? [] : [`Stale     ${gate.stale}`]),
    ...(gate.undecidable === null ? [] : [`Nobody    ${gate.undecidable}`]),
    ...request.inputs.map(
      (input) => `Input     ${input.name}: ${input.title}${input.default === undefined ? "" : ` (${String(input.default)})`}`,
    ),
    ...(evidence.findings ?? []).map(({ id, title }) => `Finding   ${id}: ${title}`),
    ...excluded.map(({ principal, why }) => `Not       ${principal}, who ${why}`),
    ...gate.decisions.map(
      (one) =>
        `Decided   ${one.by}${one.onBehalfOf === null ? "" : ` for ${one.onBehalfOf}`}: ${one.decision}${one.counted ? "" : ` (does not count: ${one.whyNot ?? "it came too late"})`}${one.reason === null ? "" : `, “${one.reason}”`}${termsOf(one)}, ${clock(one.at)}`,
    ),
    ...gate.missing.map((missing) => `Missing   ${missing}`),
    ...(gate.state === "open" ? [`You       ${you.mayDecide ? "may decide" : (you.why ?? "may not decide")}`] : []),
    ...(gate.supersededBy === null ? [] : [`Replaced  by ${gate.supersededBy}`]),
    `Digest    ${request.digest}`,
    `Review    ${gate.links.console}`,
  ].join("\n");
}

/** What an approver set, and on what condition. */
function termsOf({ inputs, conditions }: GateView["decisions"][number]): string {
  return [
    ...Object.entries(inputs).map(([name, value]) => `, ${name} ${String(value)}`),
    ...conditions.map(({ finding, by }) => `, on condition that “${finding}” is closed by ${clock(by)}`),
  ].join("");
}

function decidersOf({ request, escalationLevel }: GateView): string {
  const { groups, quorum, people, oneFromEach } = request.deciders;
  const escalatedTo = request.escalation.slice(0, escalationLevel).flatMap((step) => step.groups);
  return quorumInWords({ groups, quorum, escalatedTo, ...(people && { people }), ...(oneFromEach && { oneFromEach }) });
}

function metricTable(output: Output, rows: MetricRow[]): string {
  const cells = rows.map((row) => [
    row.metric,
    `${metricInWords(row.candidate.value)} [${metricInWords(row.candidate.low)}, ${metricInWords(row.candidate.high)}]`,
    row.champion === null ? "–" : metricInWords(row.champion.value),
    row.change === null ? "–" : changeInWords(row.change.value),
    row.threshold === null ? "–" : `${higherIsBetter[row.metric] ? "≥" : "≤"} ${row.threshold.pass}`,
    row.threshold === null ? "no limit" : row.verdict,
  ]);
  return table(
    output,
    [["metric", "candidate [95 %]", "champion", "change", "wanted", "verdict"], ...cells],
    [{ column: 5, tone: toneOf }],
  );
}
