import { lockPolicies, publishPolicy, readPublished } from "../../db/policies.ts";
import { readPeopleWorld } from "../../db/reads/people-world.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { pathInWords } from "../../domain/definition-text.ts";
import type { Digest, GateId } from "../../domain/ids.ts";
import { checkPolicy } from "../../domain/policy-check.ts";
import { changeGate, policiesReplaced, refuseProposer } from "../../domain/policy-change.ts";
import { newestVersions, type PublishedPolicy } from "../../domain/policy-choice.ts";
import { authoredPolicy } from "../../domain/policy-form.ts";
import { worldFindings } from "../../domain/policy-world.ts";
import type { Policy } from "../../domain/policy.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import { freezePolicyGate } from "../gate/policy-gate.ts";
import { endSubjectGate } from "../gate/subject-gate.ts";
import type { Refused } from "../contract.ts";
import type { ProposedPolicy } from "../../domain/subject-gates.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import type { RecordDeps } from "./deps.ts";
import { keepCommand } from "./keep-command.ts";

interface Proposed {
  policy: string;
  version: number;
  digest: Digest;
  published: boolean;
  gate: GateId | null;
  gateDigest: Digest | null;
  ended: GateId | null;
}

/**
 * A new version of a policy, from its canonical JSON in the artifact store: checked once more, then
 * frozen into a gate of the policies in whose place it steps, or published at once where none of
 * them asks for one. One that waits already is superseded.
 */
export async function proposePolicy(deps: RecordDeps, command: CommandOf<"propose-policy">): Promise<ProposedPolicy | Refused> {
  const id = claimed(command, "policy");
  const rule = { action: "propose", subject: id, model: null } as const;
  const outcome = await carryOut(deps, { command, rule }, async (unit, actor): Promise<Outcome<Proposed>> => {
    const { trx } = unit;
    await lockPolicies(trx);
    const read = await readProposed(deps, command);
    if (!read.ok) return read;
    const { policy } = read;
    const published = await readPublished(trx);
    const trouble = refusePolicy(published, policy) ?? refuseActor(published, policy, actor);
    if (trouble) return trouble;
    const unknown = worldFindings(policy, await readPeopleWorld(trx));
    if (unknown.length > 0)
      return refused(
        "invalid",
        unknown
          .map((one) => `${pathInWords(one.path)} ${one.message}`)
          .slice(0, 10)
          .join("; "),
      );
    const { version } = policy;
    const about = { policy: id, version, digest: command.body.digest };
    const gate = changeGate(policiesReplaced(published, policy));
    if (gate !== null) {
      const frozen = await freezePolicyGate(deps, unit, { command, proposed: policy, published, gate });
      return {
        ok: true,
        result: { ...about, published: false, gate: frozen.gate, gateDigest: frozen.digest, ended: frozen.ended },
      };
    }
    const why = "A newer version was published.";
    const ended = await endSubjectGate(deps, unit, { kind: "policy", subject: id, resolution: "superseded", why });
    await keepCommand(deps, unit, { command, digest: command.body.digest });
    unit.note(await publishPolicy(trx, policy, actor.id));
    return { ok: true, result: { ...about, published: true, gate: null, gateDigest: null, ended } };
  });
  if (!outcome.ok) return outcome;
  const { gate, gateDigest, ended } = outcome.result;
  return { ok: true, gate: gate !== null && gateDigest !== null ? { gate, digest: gateDigest } : null, ended };
}

/** The policy whose digest was signed, checked once more: what is decided on is what this says. */
async function readProposed(
  deps: RecordDeps,
  { body }: CommandOf<"propose-policy">,
): Promise<{ ok: true; policy: Policy } | Refused> {
  if (!(await deps.store.has(body.digest))) return refused("invalid", `The artifact store holds no ${body.digest}.`);
  // Whatever it holds is checked right below, by way of its authored form.
  const stored = await deps.store.getJson<Policy>(body.digest);
  const { policy, faults } = checkPolicy(JSON.stringify(authoredPolicy(stored)), { format: "json", nextVersion: body.version });
  if (!policy)
    return refused(
      "invalid",
      faults
        .map((fault) => `${fault.path}: ${fault.message}`)
        .slice(0, 10)
        .join("; "),
    );
  if (digestOfJson(policy) !== body.digest) return refused("invalid", "The stored policy is not in its canonical form.");
  if (policy.id !== body.policy) return refused("invalid", `policy: it is ${policy.id}, but it was sent for ${body.policy}.`);
  return { ok: true, policy };
}

function refusePolicy(published: PublishedPolicy[], policy: Policy): Refused | null {
  const present = newestVersions(published).find((one) => one.policy.id === policy.id)?.policy;
  const next = (present?.version ?? 0) + 1;
  if (policy.version !== next)
    return refused("precondition-failed", `version: is ${policy.version}; the next one of ${policy.id} is ${next}.`);
  if (present && present.tier !== policy.tier)
    return refused("invalid", `tier: ${policy.id} is for ${present.tier}; a policy for ${policy.tier} needs another id.`);
  return null;
}

function refuseActor(published: PublishedPolicy[], policy: Policy, actor: Parameters<typeof refuseProposer>[0]): Refused | null {
  const present = newestVersions(published).find((one) => one.policy.id === policy.id)?.policy;
  const why = refuseProposer(actor, (present ?? policy).owner);
  return why === null ? null : refused("forbidden", why);
}
