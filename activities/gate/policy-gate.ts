import { digestOfJson } from "../../domain/digest.ts";
import { differenceInWords, documentDifferences } from "../../domain/document-diff.ts";
import { newestVersions, type PublishedPolicy } from "../../domain/policy-choice.ts";
import { authoredPolicy } from "../../domain/policy-form.ts";
import { policyLines } from "../../domain/policy-words.ts";
import type { GateRule, Policy } from "../../domain/policy.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { RecordDeps } from "../record/deps.ts";
import type { Unit } from "../record/transaction.ts";
import { freezeSubjectGate, subjectEvidence, type FrozenSubject } from "./subject-gate.ts";

interface ProposedChange {
  command: CommandOf<"propose-policy">;
  proposed: Policy;
  published: PublishedPolicy[];
  /** The rule of the policy in force that a change passes. */
  gate: { policy: Policy; rule: GateRule };
}

/** The request about a new version of a policy: what it says, and what differs from the one in its place. */
export async function freezePolicyGate(deps: RecordDeps, unit: Unit, change: ProposedChange): Promise<FrozenSubject> {
  const { command, proposed, published, gate } = change;
  const { policy: governing, rule } = gate;
  const before = newestVersions(published).find((one) => one.policy.id === proposed.id)?.policy ?? governing;
  const { version: _old, ...old } = authoredPolicy(before);
  const { version: _new, ...now } = authoredPolicy(proposed);
  const differences = documentDifferences(old, now);
  const count = `${differences.length} difference${differences.length === 1 ? "" : "s"} from ${before.id} ${before.version}`;
  const digest = digestOfJson(proposed);
  const frozen = await freezeSubjectGate(deps, unit, {
    kind: "policy",
    subject: proposed.id,
    digest,
    model: null,
    rule,
    policy: { id: governing.id, version: governing.version, digest: digestOfJson(governing) },
    ask: rule.ask,
    why: `${command.principal} proposed version ${proposed.version} of the policy ${proposed.id}: ${proposed.title}`,
    evidence: subjectEvidence({
      tier: proposed.tier,
      tierReason: `The policy is for models of the tier ${proposed.tier}; ${governing.id} ${governing.version}, in whose place it steps, asks for this gate.`,
      sentence: `${count}.`,
      lineage: [
        { name: `${proposed.id} ${proposed.version}`, digest },
        { name: `${before.id} ${before.version}`, digest: digestOfJson(before) },
      ],
      by: command.principal,
      trigger: command.surface,
      reason: proposed.title,
      details: [
        {
          title: `What differs from ${before.id} ${before.version}`,
          text: differences.map(differenceInWords).join("\n") || "Nothing.",
        },
        { title: "The policy in words", text: policyLines(proposed).join("\n") },
      ],
    }),
    excluded: [{ principal: command.principal, why: "proposed this policy" }],
    ownerTeam: governing.owner ?? null,
  });
  await unit.trx
    .insertInto("policy_proposals")
    .values({
      gate_id: frozen.gate,
      policy_id: proposed.id,
      version: proposed.version,
      digest,
      body: JSON.stringify(proposed),
      command_id: command.id,
      proposed_by: command.principal,
    })
    .execute();
  unit.note({
    kind: "policy.proposed",
    actor: command.principal,
    model: null,
    subject: `${proposed.id}.${proposed.version}`,
    data: { command: command.id, gate: frozen.gate, digest, governedBy: `${governing.id}.${governing.version}` },
  });
  return frozen;
}
