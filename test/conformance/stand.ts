import { randomUUID } from "node:crypto";
import type { WorkflowHandle } from "@temporalio/client";
import type { ExternalRequest } from "../../domain/external-request.ts";
import { createSigner, newCommandId } from "../../control/signing.ts";
import { appendAudit } from "../../db/audit.ts";
import { lockPolicies, publishPolicy } from "../../db/policies.ts";
import type { Row } from "../../db/schema.ts";
import { digestOfJson } from "../../domain/digest.ts";
import type { GateEvidence } from "../../domain/gate.ts";
import type { Digest, GateId, PrincipalId } from "../../domain/ids.ts";
import type { GateRule, Policy } from "../../domain/policy.ts";
import type { DecisionCommand } from "../../domain/signed-command.ts";
import { markStale } from "../../activities/gate/mark-stale.ts";
import { inTransaction } from "../../activities/record/transaction.ts";
import { openSite } from "../console/site.ts";
import { applyExample, freeze, makeVersion, model } from "../records/passage.ts";
import type { Sign } from "../records/registry.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";

export const policyId = "conformance";

/** Who is there: grace and george decide (model-risk), pia decides where product does, olga sees all and decides nothing, ci is a machine. */
const usual: GateRule = {
  name: "usual",
  ask: "May this payment file be sent?",
  groups: ["model-risk"],
  quorum: 1,
  deadlineMs: 3_600_000,
  onDeadline: "hold",
};

export interface AskedGate {
  id: GateId;
  digest: Digest;
  deadline: string;
  handle: WorkflowHandle;
}

export interface Asking {
  contributors?: ExternalRequest["contributors"];
  /** Frozen, and its workflow not yet started. */
  frozenOnly?: boolean;
}

/** The product with its surfaces on a port, and gates of other people's workflows: nothing is trained. */
export async function openStand() {
  const world = await createWorld();
  const site = await openSite(world, { limits: { knownWithinMs: 8_000, recordedWithinMs: 1_500 } });
  // As bin/server.ts does: what was pending becomes known.
  const settling = setInterval(() => void site.control.settlePending().catch(() => undefined), 500);
  const rules: GateRule[] = [];
  let version = 0;

  /** One version after the other; whoever needs a rule waits until the version that has it is published. */
  let published = Promise.resolve();
  function publish(): Promise<void> {
    published = published.then(publishNext);
    return published;
  }

  async function publishNext(): Promise<void> {
    version += 1;
    const policy: Policy = {
      id: policyId,
      version,
      title: "Gates of the conformance suite",
      tier: "low",
      teams: ["nobody"],
      owner: "platform",
      gates: [],
      skippable: [],
      external: rules,
    };
    await world.db.transaction().execute(async (trx) => {
      await lockPolicies(trx);
      await appendAudit(trx, [await publishPolicy(trx, policy, "countersign")]);
    });
  }

  /** The name of a published rule that says this. */
  async function ruleOf(change: Partial<GateRule>): Promise<string> {
    const name = `rule-${digestOfJson(change).slice(7, 19)}`;
    if (!rules.some((rule) => rule.name === name)) {
      rules.push({ ...usual, ...change, name });
      void publish();
    }
    await published;
    return name;
  }

  const rowOf = (gate: GateId): Promise<Row<"gates">> =>
    world.db.selectFrom("gates").selectAll().where("id", "=", gate).executeTakeFirstOrThrow();

  async function requestFor(change: Partial<GateRule>, { contributors }: Asking = {}): Promise<ExternalRequest> {
    return {
      policy: policyId,
      rule: await ruleOf(change),
      subject: { kind: "payment-file", id: "payments-2026-11", digest: `sha256:${"ab".repeat(32)}` },
      ask: usual.ask,
      why: "The file is due today.",
      ...(contributors && { contributors }),
    };
  }

  const startGate = (gate: GateId, external: ExternalRequest): Promise<WorkflowHandle> =>
    world.client.workflow.start("gate", {
      workflowId: `gate/${gate}`,
      taskQueue: "lifecycle",
      args: [{ gate, external }],
      workflowIdReusePolicy: "REJECT_DUPLICATE",
    });

  /** An open gate by this rule. */
  async function open(change: Partial<GateRule> = {}, asking: Asking = {}): Promise<AskedGate> {
    const id = `ext.bank.${randomUUID()}`;
    const external = await requestFor(change, asking);
    if (asking.frozenOnly) await world.records.freezeExternalGate({ gate: id, external });
    const handle = asking.frozenOnly ? world.client.workflow.getHandle(`gate/${id}`) : await startGate(id, external);
    const row = await until(`${id} in the database`, async () => {
      const found = await world.db.selectFrom("gates").selectAll().where("id", "=", id).executeTakeFirst();
      return found && (asking.frozenOnly || found.state !== "opening") ? found : null;
    });
    return { id, digest: row.request_digest, deadline: row.request.deadline, handle };
  }

  /** The workflow of a request of the product's own, started as its release does. */
  async function openBy(gate: { gate: GateId; digest: Digest }): Promise<AskedGate> {
    const args = [{ gate: gate.gate, digest: gate.digest }];
    const handle = await world.client.workflow.start("gate", { workflowId: `gate/${gate.gate}`, taskQueue: "lifecycle", args });
    const row = await until(`${gate.gate} is open`, async () => {
      const found = await rowOf(gate.gate);
      return found.state === "open" && found;
    });
    return { id: gate.gate, digest: row.request_digest, deadline: row.request.deadline, handle };
  }

  const untilClosed = (gate: GateId, withinMs = 20_000): Promise<Row<"gates">> =>
    until(`${gate} is closed`, async () => ((await rowOf(gate)).state === "closed" ? rowOf(gate) : null), withinMs);

  return {
    world,
    site,
    open,
    startGate,
    requestFor,
    rowOf,
    untilClosed,
    /** The kinds of audit events about a gate, in order. */
    async audited(gate: GateId): Promise<string[]> {
      const rows = await world.db.selectFrom("audit").select("kind").where("subject", "=", gate).orderBy("seq").execute();
      return rows.map((row) => row.kind);
    },
    decisions: (gate: GateId) => world.db.selectFrom("decisions").selectAll().where("gate_id", "=", gate).execute(),
    votes: (gate: GateId) =>
      world.db.selectFrom("votes").selectAll().where("gate_id", "=", gate).where("ended_at", "is", null).execute(),
    attempts: (gate: GateId) => world.db.selectFrom("attempts").selectAll().where("gate_id", "=", gate).execute(),
    /** Messages to this gate that were refused and are on record. */
    async refusedMessages(gate: GateId): Promise<number> {
      const rows = await world.db.selectFrom("audit").select(["subject"]).where("kind", "=", "message.refused").execute();
      return rows.filter((row) => row.subject === gate || row.subject === `gate/${gate}`).length;
    },
    /** The activity that looked at this command has said what became of it. */
    untilResult: (command: string) =>
      until(`the result of ${command}`, () =>
        world.db.selectFrom("command_results").selectAll().where("command_id", "=", command).executeTakeFirst(),
      ),
    /** Publishes the next version of the policy, in which the rule that says `from` says `to`. */
    async relax(from: Partial<GateRule>, to: Partial<GateRule>): Promise<void> {
      const name = await ruleOf(from);
      const at = rules.findIndex((rule) => rule.name === name);
      const before = rules[at];
      if (!before) throw new Error(`There is no rule ${name}.`);
      rules[at] = { ...before, ...to };
      await publish();
      rules[at] = { ...before, name: `${name}-before` };
    },
    openBy,
    ...createRenewals(world, openBy),
    sign: createCommandSigner(world),
    ...membership(world),
    async close() {
      clearInterval(settling);
      await site.close();
      await world.stop();
    },
  };
}

/** A decision as control signs it, for what reaches the workflow around control. */
function createCommandSigner(world: World) {
  const signer = createSigner({ privateKeyPem: world.keys.privateKey });
  return (
    principal: PrincipalId,
    gate: Pick<AskedGate, "id" | "digest">,
    change: Partial<DecisionCommand["body"]> & { at?: string; groups?: string[] } = {},
  ): DecisionCommand => {
    const { at = new Date().toISOString(), groups = ["model-risk"], ...body } = change;
    return signer.sign({
      id: newCommandId(),
      principal,
      groups,
      surface: "api",
      at,
      body: {
        kind: "decide",
        gate: gate.id,
        decision: "approve",
        digest: gate.digest,
        seen: null,
        reason: null,
        returnTo: null,
        parameters: {},
        inputs: {},
        ...body,
      },
    });
  };
}

/** Admins change groups through the one door; olga is one. */
function membership(world: World) {
  async function change(group: string, of: (members: string[]) => string[]): Promise<void> {
    const olga = world.as("olga");
    const { body } = await olga.get<{ members: { principal: string }[] }>(`/api/groups/${group}`);
    const members = of(body.members.map((one) => one.principal));
    const answer = await olga.put(`/api/groups/${group}`, { members, reason: "a test" });
    if (answer.status >= 300) throw new Error(`The group was not changed: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  return {
    leave: (principal: PrincipalId, group: string) => change(group, (members) => members.filter((one) => one !== principal)),
    join: (principal: PrincipalId, group: string) =>
      change(group, (members) => [...members.filter((one) => one !== principal), principal]),
  };
}

/** A release that waits at its gate; the champion changes, and it is asked anew. Its stages are on record, and none of them ran. */
function createRenewals(world: World, openBy: (gate: { gate: GateId; digest: Digest }) => Promise<AskedGate>) {
  const signer = createSigner({ privateKeyPem: world.keys.privateKey });
  const sign: Sign = (principal, body, more = {}) =>
    signer.sign({
      id: newCommandId(),
      principal,
      groups: [],
      surface: "api",
      at: new Date().toISOString(),
      body,
      ...more,
    });
  const registry = { db: world.db, store: world.store, records: world.records, sign };
  let number = 0;
  async function askedAnew(): Promise<{ first: AskedGate; second: AskedGate }> {
    if (number === 0) await applyExample(registry);
    else await world.records.endRelease({ release: `${model}.${number}`, outcome: "abandoned", next: null, summary: "Enough." });
    number += 1;
    const release = await makeVersion(registry, number);
    const first = await openBy(await freeze(registry, release));
    const moved = { model, what: "champion", why: "The champion changed while this request waited." } as const;
    await inTransaction(world.db, (unit) => markStale(unit, moved));
    await first.handle.signal("look");
    await first.handle.result();
    return { first, second: await openBy(await freeze(registry, release)) };
  }
  return { askedAnew, applyExample: () => applyExample(registry), evidence };
}

/** Of a request that is about no model's evaluation. */
const evidence: GateEvidence = {
  recommendation: { verdict: "pass", sentence: "Nothing was examined." },
  evaluation: null,
  evaluationBody: null,
  stages: [],
  lineage: [],
  tier: "medium",
  tierReason: "A test.",
  champion: null,
  rollbackTarget: null,
  trainingMs: null,
  trigger: "api",
  requestedBy: "countersign",
  reason: "A test.",
  parent: null,
  parentRequest: null,
  parameters: {},
  previousDecisions: [],
};

export type ConformanceStand = Awaited<ReturnType<typeof openStand>>;
