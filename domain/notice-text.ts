import { driftInWords } from "./drift-words.ts";
import type { GateNotice, MetricNotice, Notice, RevokedNotice } from "./notices.ts";
import { changeInWords, countInWords, metricInWords, momentInWords } from "./wording.ts";

/** Notices as plain text: for e-mail, for Slack's notifications and for programs that show no blocks. */

export const onDeadlineInWords: Record<GateNotice["onDeadline"], string> = {
  hold: "then it goes on waiting",
  reject: "then it expires",
  approve: "then the policy approves",
};

/** `AUC 0.716 → 0.731 (+0.012 to +0.018), threshold 0.65`; without a champion the candidate's own interval. */
export function metricLine({ title, candidate, champion, change, threshold }: MetricNotice): string {
  const limit = threshold === null ? "" : `, threshold ${metricInWords(threshold)}`;
  if (champion === null)
    return `${title} ${metricInWords(candidate.value)} (${metricInWords(candidate.low)} to ${metricInWords(candidate.high)})${limit}; no champion yet`;
  const interval = change === null ? "" : ` (${changeInWords(change.low)} to ${changeInWords(change.high)})`;
  return `${title} ${metricInWords(champion)} → ${metricInWords(candidate.value)}${interval}${limit}`;
}

export function worseLine({ worse, recommendation, headline }: GateNotice, most = 2): string {
  const isFirst = headline !== null && headline.champion === null;
  const fine = isFirst ? "There is no champion that it could be worse than." : "Nothing measured gets worse.";
  // Where nothing was measured, the recommendation says so.
  if (worse.length === 0) return recommendation.verdict === "pass" && headline !== null ? fine : recommendation.sentence;
  const more = worse.length > most ? `, and ${worse.length - most} more` : "";
  return `${isFirst ? "Weak" : "Gets worse"}: ${worse.slice(0, most).join(", ")}${more}`;
}

/** What a gate is about as people know it: a deployment's id says nothing to them, a policy's or a model's does not say which it is. */
export function subjectInWords({ kind, id }: { kind: string; id: string }, model: string | null): string {
  switch (kind) {
    case "deployment":
      return `break-glass on ${model ?? "a model"}`;
    case "policy":
      return `policy ${id}`;
    case "definition":
      return `definition of ${id}`;
    case "retirement":
      return `retirement of ${id}`;
    default:
      return id;
  }
}

const resolutionWords: Record<string, string> = {
  approved: "Approved",
  rejected: "Rejected",
  "changes-requested": "Changes requested",
  expired: "Expired",
  superseded: "Superseded",
  withdrawn: "Withdrawn",
};

/** `Approved by grace (slack)`, without the time. */
export function closedLine({ resolution, closed }: GateNotice): string {
  const word = resolutionWords[resolution ?? ""] ?? "Closed";
  if (closed === null) return word;
  const surface = closed.surface === null ? "" : ` (${closed.surface})`;
  return closed.by === null ? word : `${word} by ${closed.by}${surface}`;
}

/** One line: what a phone shows of a message, and an e-mail's subject. */
export function noticeTitle(notice: Notice): string {
  switch (notice.kind) {
    case "gate":
      return notice.state === "closed" ? `${closedLine(notice)}: ${notice.about}` : `${notice.about}: ${notice.ask}`;
    case "gate-event":
      return notice.what === "opened" ? `${notice.gate}: ${notice.ask}` : notice.sentence;
    case "blocked":
      return notice.since === null
        ? `${notice.release} is blocked at ${notice.stage}: ${notice.message}`
        : `${notice.release} was blocked at ${notice.stage}. ${notice.since}`;
    case "drift":
      return `${notice.model}: predictions in ${notice.environment} drift from the training data`;
    case "rolled-back":
      return `${notice.model} rolled back to ${notice.version} in ${notice.environment} by ${notice.by}`;
    case "aborted":
      return `${notice.release} broke off: ${notice.summary}`;
    case "revoked":
      return `The approval of ${notice.version} for ${notice.environment} does not hold any more. ${servesInWords(notice)}`;
    case "withdrawn":
      return `Nothing serves in ${notice.environment} any more: ${notice.version} was taken out by ${notice.by}`;
  }
}

/** What an approval that ended means for those who ask for predictions. */
export function servesInWords({ served, serves, version, model }: RevokedNotice): string {
  if (!served) return `${version} did not serve; ${serves === null ? `${model} serves nothing` : `${serves} goes on serving`}.`;
  return serves === null
    ? `It served until now; ${model} serves nothing.`
    : `It served until now; ${serves} serves in its place.`;
}

/** The lines below the title; nothing in it decides anything, it only leads to the page. */
export function noticeLines(notice: Notice): string[] {
  switch (notice.kind) {
    case "gate":
      return [
        notice.why,
        ...(notice.headline === null ? [] : [metricLine(notice.headline)]),
        worseLine(notice),
        `Until ${momentInWords(notice.deadline)} (${onDeadlineInWords[notice.onDeadline]}). Decides: ${notice.deciders}.`,
      ];
    case "gate-event":
      return [
        ...(notice.what === "opened" ? [notice.why] : [notice.ask]),
        ...(notice.what === "closed" || notice.what === "outcome"
          ? []
          : [`Until ${momentInWords(notice.deadline)} (${onDeadlineInWords[notice.onDeadline]}).`]),
      ];
    case "blocked":
      return [notice.message, notice.cure, ...(notice.logTail === null ? [] : ["The end of its log:", notice.logTail])];
    case "drift":
      return [
        `${countInWords(notice.rows)} predictions of ${notice.version} from ${momentInWords(notice.from)} to ${momentInWords(notice.to)}.`,
        ...notice.columns.slice(0, 10).map((one) => `${driftInWords(one)}: ${one.verdict}`),
      ];
    case "rolled-back":
      return [
        `${notice.previous ?? "No version"} served before. ${notice.by} said: ${notice.reason}`,
        `It serves since ${notice.at}.`,
      ];
    case "aborted":
      return [notice.summary, notice.champion === null ? "No version serves." : `${notice.champion} serves.`];
    case "revoked":
      return [notice.why, `Since ${notice.at}, by ${notice.by}.`];
    case "withdrawn":
      return [notice.reason, `Since ${notice.at}.`];
  }
}
