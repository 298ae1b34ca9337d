import type { Row } from "../../db/schema.ts";
import type { GateEvidence } from "../../domain/gate.ts";
import {
  digestPattern,
  externalGateIdPattern,
  principalPattern,
  workflowIds,
  type Digest,
  type GateId,
} from "../../domain/ids.ts";
import type { GateOpening, Refused } from "../contract.ts";
import type { ExternalRequest } from "../../domain/external-request.ts";
import { refused } from "../record/carry-out.ts";
import { calledBy } from "../record/current-call.ts";
import type { RecordDeps } from "../record/deps.ts";
import { isStorable } from "../record/storable.ts";
import { inTransaction, type Unit } from "../record/transaction.ts";
import { insertGate } from "./insert-gate.ts";
import { openGate } from "./open-gate.ts";

const mostText = 20_000;
const mostSections = 20;

/**
 * Freezes the request of a workflow that is none of the product's. It names a published policy and
 * one of its `external` gates; who decides, until when and what happens then come from there and
 * from nowhere else. What it says of its subject is shown as what it says. For a run it is opened as well.
 */
export async function freezeExternalGate(
  deps: RecordDeps,
  { runId, ...asked }: Asked & { runId?: string },
): Promise<{ ok: true; digest: Digest; opening?: GateOpening } | Refused> {
  const frozen = await freeze(deps, asked);
  if (!frozen.ok || runId === undefined) return frozen;
  return { ...frozen, opening: await openGate(deps, { gate: asked.gate, runId }) };
}

interface Asked {
  gate: GateId;
  external: ExternalRequest;
}

async function freeze(deps: RecordDeps, { gate, external }: Asked): Promise<{ ok: true; digest: Digest } | Refused> {
  return inTransaction(deps.db, async (unit) => {
    const trouble = troubleIn(gate, external);
    if (trouble) return refused("invalid", trouble);
    const present = await unit.trx.selectFrom("gates").select("request_digest").where("id", "=", gate).executeTakeFirst();
    if (present) return { ok: true, digest: present.request_digest };
    const policy = await newest(unit, external.policy);
    const rule = policy?.body.external?.find((one) => one.name === external.rule);
    if (!policy) return refused("invalid", `policy: there is no published policy ${external.policy}.`);
    if (!rule) {
      const names = (policy.body.external ?? []).map((one) => one.name).join(", ") || "none";
      return refused(
        "invalid",
        `rule: the policy ${policy.id} ${policy.version} has no external gate ${external.rule}; it has ${names}.`,
      );
    }
    const { digest } = await insertGate(unit, {
      id: gate,
      number: 1,
      subject: external.subject,
      model: null,
      release: null,
      rule,
      policy: { id: policy.id, version: policy.version, digest: policy.digest },
      ask: external.ask,
      why: external.why,
      evidence: evidenceOf(external, policy),
      excluded: (external.contributors ?? []).map(({ principal, how }) => ({ principal, why: how })),
      ownerTeam: policy.body.owner ?? null,
    });
    return { ok: true, digest };
  });
}

/** What comes over Temporal has whatever form the sender gave it. */
function troubleIn(gate: GateId, external: ExternalRequest): string | null {
  if (!externalGateIdPattern.test(gate)) return `gate: ${gate} is no id of such a gate; it is ext.<client>.<id>.`;
  if (!calledBy(workflowIds.gate(gate))) return `gate: the workflow's id must be ${workflowIds.gate(gate)}.`;
  if (!isStorable(external)) return "The request holds characters that cannot be kept.";
  if (JSON.stringify(external).length > mostText)
    return `The request is longer than ${mostText} characters; show the rest elsewhere.`;
  for (const field of ["policy", "rule", "ask", "why"] as const)
    if (typeof external[field] !== "string" || external[field].trim() === "") return `${field}: must be text.`;
  const { subject, details, contributors } = external;
  if (typeof subject?.kind !== "string" || typeof subject.id !== "string" || !digestPattern.test(String(subject.digest)))
    return "subject: needs kind, id and digest (sha256:<64 hex digits>).";
  if (ownKinds.includes(subject.kind)) return `subject.kind: ${subject.kind} is decided on by Countersign's own workflows.`;
  if (details !== undefined && !(Array.isArray(details) && details.length <= mostSections && details.every(isSection)))
    return `details: at most ${mostSections} sections of title and text.`;
  if (contributors !== undefined && !(Array.isArray(contributors) && contributors.every(isContributor)))
    return "contributors: a list of principal and how.";
  return null;
}

/** Approving one of these has effects, which no foreign workflow may borrow. */
const ownKinds = ["version", "dataset", "definition", "policy", "retirement", "deployment"];

function isSection(one: unknown): boolean {
  const { title, text } = (one ?? {}) as { title?: unknown; text?: unknown };
  return typeof title === "string" && typeof text === "string";
}

function isContributor(one: unknown): boolean {
  const { principal, how } = (one ?? {}) as { principal?: unknown; how?: unknown };
  return typeof principal === "string" && principalPattern.test(principal) && typeof how === "string";
}

async function newest({ trx }: Unit, id: string): Promise<Row<"policies"> | undefined> {
  return trx.selectFrom("policies").selectAll().where("id", "=", id).orderBy("version", "desc").limit(1).executeTakeFirst();
}

function evidenceOf(external: ExternalRequest, policy: Row<"policies">): GateEvidence {
  return {
    recommendation: { verdict: "pass", sentence: "Nothing was examined by Countersign: the request says what it is about." },
    evaluation: null,
    evaluationBody: null,
    stages: [],
    lineage: [{ name: external.subject.kind, digest: external.subject.digest }],
    tier: policy.body.tier,
    tierReason: `The workflow that asks named the policy ${policy.id}.`,
    champion: null,
    rollbackTarget: null,
    trainingMs: null,
    trigger: "api",
    requestedBy: "countersign",
    reason: external.why,
    parent: null,
    parentRequest: null,
    parameters: {},
    previousDecisions: [],
    details: external.details ?? [],
  };
}
