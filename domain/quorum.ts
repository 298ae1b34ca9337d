import type { DecisionKind, Resolution } from "./gate.ts";
import type { PrincipalId, Timestamp } from "./ids.ts";
import type { Deciders } from "./policy.ts";
import { either } from "./wording.ts";

/** A decision as the workflow and the rules see it. */
export interface Vote {
  command: string;
  principal: PrincipalId;
  decision: DecisionKind;
  at: Timestamp;
  /** Groups by which it counts; a named person has none. */
  groups?: string[];
  /** Whose place a delegate takes; that person counts no second time. */
  onBehalfOf?: PrincipalId | null;
}

export interface Tally {
  resolution: Resolution | null;
  /** The vote that completed it. */
  by: Vote | null;
  /** Approvals still missing in all. */
  missing: number;
  /** The same in words, one for each place that is empty. */
  missingWords: string[];
}

/** What the quorum is about: the frozen rule, and the groups that escalation has added since. */
export type QuorumRule = Deciders & { escalatedTo?: string[] };

/**
 * What the votes so far amount to, in their order. A person counts once, for herself or for the one
 * who delegated to her; a member of two groups fills one place. One request for changes closes the
 * gate, and one rejection unless the rule says otherwise.
 */
export function resolve(votes: Vote[], rule: QuorumRule): Tally {
  const approvals: Vote[] = [];
  const rejecting = new Set<PrincipalId>();
  for (const vote of votes) {
    if (vote.decision === "request-changes") return closed("changes-requested", vote);
    if (vote.decision === "reject") {
      rejecting.add(voiceOf(vote));
      if (rejecting.size >= (rule.rejections ?? 1)) return closed("rejected", vote);
    }
    if (vote.decision !== "approve") continue;
    if (approvals.some((one) => voiceOf(one) === voiceOf(vote) || one.principal === vote.principal)) continue;
    approvals.push(vote);
    if (emptyPlaces(approvals, rule).count === 0) return closed("approved", vote);
  }
  const { count, words } = emptyPlaces(approvals, rule);
  return { resolution: null, by: null, missing: count, missingWords: words };
}

function closed(resolution: Resolution, by: Vote): Tally {
  return { resolution, by, missing: 0, missingWords: [] };
}

/** Whose vote it is in the end. */
function voiceOf(vote: Vote): PrincipalId {
  return vote.onBehalfOf ?? vote.principal;
}

/** How many approvals are missing, and from whom: places of named groups first, then anybody's. */
function emptyPlaces(approvals: Vote[], rule: QuorumRule): { count: number; words: string[] } {
  const named = rule.oneFromEach ?? [];
  const empty = unfilled(named, approvals, rule.escalatedTo ?? []);
  const filled = named.length - empty.length;
  const anybody = Math.max(0, rule.quorum - named.length - (approvals.length - filled));
  const words = empty.map((group) => `1 approval by ${group}`);
  if (anybody > 0) words.push(`${anybody} approval${anybody === 1 ? "" : "s"} by ${decidersInWords(rule)}`);
  return { count: empty.length + anybody, words };
}

/** Groups without an approval in the largest matching of approvals to groups (augmenting paths; a handful of each). */
function unfilled(groups: string[], approvals: Vote[], wild: string[]): string[] {
  const takenBy = new Map<string, Vote>();
  const fits = (vote: Vote, group: string) =>
    (vote.groups ?? []).includes(group) || (vote.groups ?? []).some((one) => wild.includes(one));
  const place = (vote: Vote, tried: Set<string>): boolean => {
    for (const group of groups) {
      if (tried.has(group) || !fits(vote, group)) continue;
      tried.add(group);
      const holder = takenBy.get(group);
      if (holder && !place(holder, tried)) continue;
      takenBy.set(group, vote);
      return true;
    }
    return false;
  };
  for (const vote of approvals) place(vote, new Set());
  return groups.filter((group) => !takenBy.has(group));
}

/** "model-risk or grace": who decides, in words. */
export function decidersInWords(rule: Pick<QuorumRule, "groups" | "people" | "escalatedTo">): string {
  const all = [...new Set([...rule.groups, ...(rule.people ?? []), ...(rule.escalatedTo ?? [])])];
  return either(all);
}

/** "2 approvals by model-risk or product, at least one by model-risk and one by product", for pages and messages. */
export function quorumInWords(rule: QuorumRule): string {
  const each = rule.oneFromEach?.length ? `, at least one by ${rule.oneFromEach.join(" and one by ")}` : "";
  return `${rule.quorum} approval${rule.quorum === 1 ? "" : "s"} by ${decidersInWords(rule)}${each}`;
}

/**
 * Why nobody can complete the quorum, or null: `people` are those who may decide at present, with
 * the groups by which they may. An upper bound, told to the policy's owner at once.
 */
export function impossibleQuorum(rule: QuorumRule, people: { principal: PrincipalId; groups: string[] }[]): string | null {
  const votes = people.map(({ principal, groups }): Vote => ({
    command: principal,
    principal,
    decision: "approve",
    at: "",
    groups,
  }));
  const { missingWords } = resolve(votes, rule);
  if (missingWords.length === 0) return null;
  return `Only ${people.length} ${people.length === 1 ? "person" : "people"} may decide; ${either(missingWords, "and")} cannot be given.`;
}
