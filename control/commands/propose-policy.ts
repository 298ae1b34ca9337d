import { readPeopleWorld } from "../../db/reads/people-world.ts";
import { readVersionsOf } from "../../db/reads/policies.ts";
import type { Row } from "../../db/schema.ts";
import { faultInWords } from "../../domain/definition-check.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { CountersignError, type Fault } from "../../domain/errors.ts";
import type { PolicyProposedView } from "../../domain/http/policy-views.ts";
import { modelNamePattern } from "../../domain/ids.ts";
import { refuseProposer } from "../../domain/policy-change.ts";
import { checkPolicy, type CheckedPolicy } from "../../domain/policy-check.ts";
import { worldFindings } from "../../domain/policy-world.ts";
import { pathInWords } from "../../domain/definition-text.ts";
import type { Policy } from "../../domain/policy.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import { inOrder } from "../../domain/written-faults.ts";
import { proposalUpdate } from "../../workflows/messages.ts";
import type { Answer, Outcome } from "../answer.ts";
import type { Caller } from "../caller.ts";
import { finishCommand, refuseOnRecord, signed } from "../command-run.ts";
import type { DefinitionSent } from "../filters.ts";
import type { ControlContext } from "../deps.ts";
import { runOnce } from "../idempotency.ts";
import { notFound, requireScope } from "../read-rights.ts";
import { unstorable } from "../request-body.ts";
import { routeOf, type AskedFor, type Command } from "./command.ts";

/**
 * A new version of a policy. It is checked whole, with all faults told at once, against the schema
 * and against the people there are; its canonical JSON goes into the artifact store, and only its
 * digest is signed. The answer names the gate that it passes, or says that it is published.
 */
export const proposePolicy: Command<"propose-policy"> = { run: propose, finish: finishPropose };

async function propose(context: ControlContext, asked: AskedFor<"propose-policy">): Promise<Answer<PolicyProposedView>> {
  const { caller, about, sent } = asked;
  const { policy: id } = about;
  requireScope(caller, "define");
  if (!modelNamePattern.test(id)) throw notFound("policy", id);
  const [present] = await readVersionsOf(context.db, id);
  const policy = await checked(context, { id, sent, present });
  const digest = digestOfJson(policy);
  const { ifMatch, key } = sent;
  return runOnce(context, { caller, route: routeOf("propose-policy", about), key, body: { digest, ifMatch } }, async (begun) => {
    const error = refusal(caller, { policy, present, ifMatch });
    if (error) return refuseOnRecord(context, { caller, kind: "propose-policy", subject: id, model: null, error });
    if (present && isSame(policy, present))
      return {
        kind: "done",
        status: 200,
        value: { policy: id, version: present.version, digest: present.digest, published: true, gate: null },
      };
    await context.store.putJson(policy);
    const body = { kind: "propose-policy" as const, policy: id, version: policy.version, digest };
    return finishPropose(context, await signed(context, { begun, caller, body }));
  });
}

function finishPropose(context: ControlContext, command: CommandOf<"propose-policy">): Promise<Outcome<PolicyProposedView>> {
  const { policy, version, digest } = command.body;
  return finishCommand<CommandOf<"propose-policy">["body"], PolicyProposedView>(context, command, {
    to: { proposal: command.id },
    update: proposalUpdate,
    gone: new CountersignError(
      "unavailable",
      "The proposal's workflow could not be started. Try again with the same Idempotency-Key.",
    ),
    outcome: async (result) => {
      const gate = typeof result["gate"] === "string" ? result["gate"] : null;
      return {
        kind: "done",
        status: gate === null ? 201 : 202,
        value: { policy, version, digest, published: gate === null, gate },
      };
    },
  });
}

/** Throws `invalid` with every fault, each with its line and column. */
async function checked(
  context: ControlContext,
  { id, sent, present }: { id: string; sent: DefinitionSent; present: Row<"policies"> | undefined },
): Promise<Policy> {
  // The present version sent again is no new one.
  const again = present && checkPolicy(sent.text, { format: sent.format, nextVersion: present.version });
  if (again?.policy && present && digestOfJson(again.policy) === present.digest) return again.policy;
  const found = checkPolicy(sent.text, { format: sent.format, nextVersion: (present?.version ?? 0) + 1 });
  const world = found.policy ? await worldFaults(context, { id, found, policy: found.policy, present }) : [];
  const all = inOrder([...found.faults, ...world]);
  if (found.policy && all.length === 0) return found.policy;
  const count = `${all.length} fault${all.length === 1 ? "" : "s"}`;
  throw new CountersignError(
    "invalid",
    `The policy has ${count}: ${all.slice(0, 5).map(faultInWords).join("; ")}${all.length > 5 ? "; …" : "."}`,
    { faults: all },
  );
}

async function worldFaults(
  context: ControlContext,
  of: { id: string; found: CheckedPolicy; policy: Policy; present: Row<"policies"> | undefined },
): Promise<Fault[]> {
  const { id, found, policy, present } = of;
  const at = (path: (string | number)[], message: string): Fault => ({ path: pathInWords(path), message, ...found.place(path) });
  const findings = worldFindings(policy, await readPeopleWorld(context.db));
  return [
    ...unstorable(policy),
    ...(policy.id === id ? [] : [at(["policy"], `is ${policy.id}, but it was sent for ${id}`)]),
    ...(present && present.body.tier !== policy.tier
      ? [at(["tier"], `is ${policy.tier}, but ${id} is for ${present.body.tier}; a policy for another tier needs another id`)]
      : []),
    ...findings.map((one) => at([...one.path], one.message)),
  ];
}

function refusal(
  caller: Caller,
  { policy, present, ifMatch }: { policy: Policy; present: Row<"policies"> | undefined; ifMatch: string | null },
): CountersignError | null {
  const why = refuseProposer(caller.principal, (present?.body ?? policy).owner);
  if (why !== null) return new CountersignError("forbidden", why);
  if (ifMatch === null || (present && (ifMatch === "*" || ifMatch === present.digest))) return null;
  const is = present ? `its newest version is ${present.digest}` : "there is none yet";
  return new CountersignError("precondition-failed", `If-Match names another version: ${is}.`);
}

function isSame(policy: Policy, present: Row<"policies">): boolean {
  return digestOfJson({ ...policy, version: present.version }) === present.digest;
}
