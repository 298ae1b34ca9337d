import { conditionFacts } from "../db/reads/condition-facts.ts";
import { readPeopleWorld } from "../db/reads/people-world.ts";
import { readInForce, readPolicies, readReleaseForOutlook, readVersionsOf, readWaitingProposal } from "../db/reads/policies.ts";
import { readReleases } from "../db/reads/releases.ts";
import type { Row } from "../db/schema.ts";
import { faultInWords } from "../domain/definition-check.ts";
import { CountersignError } from "../domain/errors.ts";
import {
  policyTestRequestSchema,
  type PolicyItemView,
  type PolicyTestView,
  type PolicyView,
  type RuleView,
} from "../domain/http/policy-views.ts";
import type { Page } from "../domain/http/record-views.ts";
import { checkPolicy } from "../domain/policy-check.ts";
import { namesOwner, rulesOf } from "../domain/policy-deciders.ts";
import { authoredPolicy } from "../domain/policy-form.ts";
import { policyOutlook } from "../domain/policy-outlook.ts";
import { conditionInWords, policyLines, ruleInWords } from "../domain/policy-words.ts";
import { possibleDeciders, type PeopleWorld } from "../domain/policy-world.ts";
import { ownerTeam, type GateRule, type Policy } from "../domain/policy.ts";
import { impossibleQuorum } from "../domain/quorum.ts";
import { sampleEvidence } from "../domain/sample-evidence.ts";
import type { Caller } from "./caller.ts";
import type { PageInput } from "./filters.ts";
import { numberOf, pageOf } from "./cursor.ts";
import type { ControlContext } from "./deps.ts";
import { notFound, requireScope, scopeOf } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";

/** By id, the newest version first, each with who may decide as groups are now. */
export async function listPolicies(context: ControlContext, caller: Caller, page: PageInput): Promise<Page<PolicyItemView>> {
  requireScope(caller, "read");
  const offset = numberOf(page.after);
  const [rows, inForce, world] = await Promise.all([
    readPolicies(context.db, { limit: page.limit + 1, offset }),
    readInForce(context.db),
    readPeopleWorld(context.db),
  ]);
  return pageOf(rows, page.limit, { item: (row) => itemOf(row, inForce, world), cursor: () => [offset + page.limit] });
}

/** The newest version of one policy, with all before it. Throws `not-found`. */
export async function readPolicy(context: ControlContext, caller: Caller, policy: string): Promise<PolicyView> {
  requireScope(caller, "read");
  const versions = await readVersionsOf(context.db, policy);
  const [newest] = versions;
  if (!newest) throw notFound("policy", policy);
  const [inForce, world, waiting] = await Promise.all([
    readInForce(context.db),
    readPeopleWorld(context.db),
    readWaitingProposal(context.db, policy),
  ]);
  const { body } = newest;
  return {
    ...itemOf(newest, inForce, world),
    document: authoredPolicy(body),
    inWords: policyLines(body),
    rules: rulesOf(body)
      .filter(({ name }) => !body.gates.some((gate) => gate.name === name))
      .map(({ name, rule }) => ({ ...ruleView(rule, body, world), name })),
    versions: versions.map((row) => ({
      version: row.version,
      digest: row.digest,
      title: row.body.title,
      publishedBy: row.published_by,
      publishedAt: row.published_at.toISOString(),
    })),
    waiting: waiting
      ? {
          gate: waiting.gate_id,
          version: waiting.version,
          digest: waiting.digest,
          proposedBy: waiting.proposed_by,
          proposedAt: waiting.proposed_at.toISOString(),
        }
      : null,
  };
}

function itemOf(row: Row<"policies">, inForce: Row<"policies_in_force">[], world: PeopleWorld): PolicyItemView {
  const { id, version, digest, body, published_by, published_at } = row;
  const { title, tier, maturities, teams, owner, gates, skippable } = body;
  return {
    id,
    version,
    digest,
    title,
    tier,
    maturities: maturities ?? null,
    teams: teams ?? null,
    owner: owner ?? null,
    gates: gates.map((gate) => ({
      ...ruleView(gate, body, world),
      after: gate.after,
      when: gate.when ? conditionInWords(gate.when) : null,
    })),
    skippable,
    governs: inForce
      .filter((one) => one.policy_id === id && one.policy_version === version)
      .map(({ maturity, team }) => ({ maturity, team: team === "" ? null : team })),
    publishedBy: published_by,
    publishedAt: published_at.toISOString(),
  };
}

function ruleView(rule: GateRule, policy: Policy, world: PeopleWorld): RuleView {
  const { name, ask, groups, people, quorum, oneFromEach, deadlineMs, onDeadline } = rule;
  return {
    name,
    ask,
    groups,
    people: people ?? [],
    quorum,
    oneFromEach: oneFromEach ?? [],
    deadlineMs,
    onDeadline,
    inWords: ruleInWords(rule),
    mayDecide: mayDecide(rule, policy, world),
  };
}

/** Where the owner team decides, who that is depends on the model; where one team is named, it is that one. */
function mayDecide(rule: GateRule, policy: Policy, world: PeopleWorld): RuleView["mayDecide"] {
  const [team, ...others] = policy.teams ?? [];
  if (namesOwner(rule) && (team === undefined || others.length > 0)) return { now: null, trouble: null };
  const put = (names: string[]) => names.map((one) => (one === ownerTeam && team !== undefined ? team : one));
  const resolved = { ...rule, groups: put(rule.groups), oneFromEach: put(rule.oneFromEach ?? []) };
  const people = possibleDeciders(resolved, world);
  return { now: people.length, trouble: impossibleQuorum(resolved, people) };
}

/** What a policy would ask of a recorded release or of sample evidence, and of whom. Asks nobody, records nothing. */
export async function testPolicy(
  context: ControlContext,
  caller: Caller,
  { policy, body: sent }: { policy: string; body: unknown },
): Promise<PolicyTestView> {
  requireScope(caller, "read");
  const body = checkBody(policyTestRequestSchema, sent);
  const tried = await policyToTry(context, policy, body);
  const world = await readPeopleWorld(context.db);
  const about = { id: tried.policy.id, version: tried.published ? tried.policy.version : null, title: tried.policy.title };
  if (body.release === undefined) {
    const sample = body.sample ?? "ordinary";
    const outlook = policyOutlook({ policy: tried.policy, facts: sampleEvidence[sample], team: null, excluded: [], world });
    return { policy: about, evidence: { release: null, sample }, ...outlook };
  }
  const scope = scopeOf(caller.principal);
  const [visible] = await readReleases(context.db, scope, { limit: 1, after: null, id: body.release });
  const found = visible ? await readReleaseForOutlook(context.db, body.release) : null;
  if (!found) throw notFound("release", body.release);
  const facts = await conditionFacts(context.db, found.row);
  const byPrincipal = Map.groupBy(found.contributors, (one) => one.principal);
  const excluded = [...byPrincipal].map(([principal, all]) => ({ principal, why: all.map((one) => one.how).join(" and ") }));
  const outlook = policyOutlook({ policy: tried.policy, facts, team: found.team, excluded, world });
  return { policy: about, evidence: { release: body.release, sample: null }, ...outlook };
}

async function policyToTry(
  context: ControlContext,
  id: string,
  { document, version }: { document?: object | undefined; version?: number | undefined },
): Promise<{ policy: Policy; published: boolean }> {
  const versions = await readVersionsOf(context.db, id);
  if (document) {
    const next = (versions[0]?.version ?? 0) + 1;
    const { policy, faults } = checkPolicy(JSON.stringify({ ...document, version: next }), { format: "json", nextVersion: next });
    if (policy && policy.id === id) return { policy, published: false };
    const all = policy ? [{ path: "policy", message: `is ${policy.id}, but it was sent for ${id}` }] : faults;
    throw new CountersignError("invalid", `The policy has faults: ${all.map(faultInWords).join("; ")}.`, {
      faults: all.map((one) => ({ path: `document.${one.path}`, message: one.message })),
    });
  }
  const row = version === undefined ? versions[0] : versions.find((one) => one.version === version);
  if (!row) throw notFound("policy", version === undefined ? id : `${id} ${version}`);
  return { policy: row.body, published: true };
}
