import type { Row } from "../../db/schema.ts";
import { escalatedTo, readAttempt, tallyOf, type AttemptRow } from "../../db/reads/attempt-facts.ts";
import type { ChartReference } from "../../domain/evaluation-detail.ts";
import { higherIsBetter, type Evaluation, type MetricName } from "../../domain/evidence.ts";
import { workflowIds, type GateId } from "../../domain/ids.ts";
import { subjectInWords } from "../../domain/notice-text.ts";
import type { GateNotice, MetricNotice } from "../../domain/notices.ts";
import { decidersInWords } from "../../domain/quorum.ts";
import { changeInWords, metricTitles, shareInWords } from "../../domain/wording.ts";
import type { NotifyDeps } from "./deps.ts";
import { consoleLink, temporalLink } from "./links.ts";

/** How a gate stands now, for the message that is kept true; null when there is no such gate. */
export async function readGateNotice(deps: NotifyDeps, gate: GateId): Promise<GateNotice | null> {
  const [row, attempt] = await Promise.all([
    deps.db.selectFrom("gates").selectAll().where("id", "=", gate).executeTakeFirst(),
    readAttempt(deps.db, gate, ""),
  ]);
  if (!row || !attempt) return null;
  const { request } = row;
  const evaluation = request.evidence.evaluationBody;
  const votes = await readVotes(deps, gate, attempt);
  return {
    kind: "gate",
    gate,
    model: row.model,
    release: row.release_id,
    subject: row.subject_id,
    about: subjectInWords({ kind: row.subject_kind, id: row.subject_id }, row.model),
    digest: row.request_digest,
    ask: request.ask,
    why: request.why,
    state: row.state,
    resolution: row.resolution,
    recommendation: request.evidence.recommendation,
    headline: evaluation && headlineOf(evaluation),
    chart: chartOf(evaluation?.charts ?? []),
    worse: evaluation ? worseOf(evaluation) : [],
    opensAt: request.opensAt,
    deadline: request.deadline,
    onDeadline: request.onDeadline,
    overdue: row.overdue_since !== null,
    deciders: decidersInWords({ ...request.deciders, escalatedTo: escalatedTo(attempt) }),
    escalatedTo: escalatedTo(attempt),
    missing: row.state === "closed" ? [] : tallyOf(attempt).missingWords,
    inputs: request.inputs ?? [],
    conditional: (request.conditional ?? null) !== null,
    votes,
    closed: closedOf(row, votes),
    supersededBy:
      row.superseded_by === null ? null : { gate: row.superseded_by, console: consoleLink(deps, `/gates/${row.superseded_by}`) },
    links: { console: consoleLink(deps, `/gates/${gate}`), temporal: temporalLink(deps, workflowIds.gate(gate)) },
  };
}

/** Votes that count, of an open gate as of a closed one, with what only the decision's own record says. */
async function readVotes(deps: NotifyDeps, gate: GateId, attempt: AttemptRow): Promise<GateNotice["votes"]> {
  const [decisions, waiting] = await Promise.all([
    deps.db.selectFrom("decisions").select(["command_id", "surface", "reason"]).where("gate_id", "=", gate).execute(),
    deps.db
      .selectFrom("votes")
      .select(["command_id", "command"])
      .where("gate_id", "=", gate)
      .where("ended_at", "is", null)
      .execute(),
  ]);
  return attempt.votes
    .filter((vote) => vote.counted)
    .map((vote) => {
      const decided = decisions.find((one) => one.command_id === vote.command);
      const cast = waiting.find((one) => one.command_id === vote.command)?.command;
      return {
        by: vote.principal,
        decision: vote.decision,
        at: vote.at,
        surface: decided?.surface ?? cast?.surface ?? "api",
        reason: decided?.reason ?? cast?.body.reason ?? null,
      };
    });
}

/** Where the model does worse than elsewhere beyond chance: that is nobody's change, but nobody would rather see it. */
function weakSlices({ slices }: Evaluation): string[] {
  const weak = (slices?.rows ?? []).filter((row) => row.worse);
  const [first] = weak;
  if (!slices || !first) return [];
  return [`${weak.length} of ${slices.tested} slices do worse than the rest, ${first.slice} first`];
}

function closedOf(row: Row<"gates">, votes: GateNotice["votes"]): GateNotice["closed"] {
  if (row.closed_at === null) return null;
  const by = row.outcome?.by ?? null;
  const decided = row.resolution === "approved" || row.resolution === "rejected" || row.resolution === "changes-requested";
  const last = decided ? (votes.findLast((vote) => by === null || vote.by === by) ?? null) : null;
  return {
    at: row.closed_at.toISOString(),
    by: last?.by ?? by,
    how: last?.decision ?? null,
    surface: last?.surface ?? null,
    reason: last?.reason ?? row.outcome?.reason ?? null,
  };
}

function headlineOf({ headline, metrics }: Evaluation): MetricNotice {
  const row = metrics.find((one) => one.metric === headline.metric);
  return {
    title: titleOf(headline.metric),
    candidate: headline.candidate,
    champion: headline.champion,
    change: row?.change ?? null,
    threshold: headline.threshold,
    verdict: row?.verdict ?? "warn",
  };
}

/** What changed says most; without anything to compare with, where the model is weak, then how far it can be believed. */
const tellingCharts = ["metric-change", "slices", "fairness", "calibration", "importance"];

function chartOf(charts: ChartReference[]): GateNotice["chart"] {
  for (const name of tellingCharts) {
    const chart = charts.find((one) => one.name === name);
    if (chart?.png) return { png: chart.png, alt: `${chart.title}: ${chart.alt}` };
  }
  return null;
}

function titleOf(metric: MetricName): string {
  return metricTitles[metric] ?? metric;
}

/** What the approver would rather not see: short of a threshold first, then worse than the champion beyond doubt, then labels that flip and weak slices. */
function worseOf(evaluation: Evaluation): string[] {
  const short = evaluation.metrics
    .filter((row) => row.verdict !== "pass")
    .map((row) => `${titleOf(row.metric)} is short of its threshold`);
  const worse = evaluation.metrics
    .filter(({ metric, change }) => change !== null && (higherIsBetter[metric] ? change.high < 0 : change.low > 0))
    .map(({ metric, change }) => `${titleOf(metric)} ${changeInWords(change?.value ?? 0)}`);
  const flips = evaluation.flips;
  const flipped = flips !== null && flips.rows > 0 ? [`${shareInWords(flips.share)} of the decisions would flip`] : [];
  return [...short, ...worse, ...flipped, ...weakSlices(evaluation)];
}
