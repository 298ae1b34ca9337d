import type { Row } from "../../db/schema.ts";
import type { Digest, GateId } from "../../domain/ids.ts";
import type { ModelState } from "../../domain/lifecycle.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { Refused } from "../contract.ts";
import type { StartedGate } from "../../domain/subject-gates.ts";
import { endRequestsAbout } from "../gate/finish-gate.ts";
import { freezeRetirementGate } from "../gate/retirement-gate.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import type { RecordDeps } from "./deps.ts";
import { newestPolicy } from "./pinned-release.ts";
import { retireModel, stopRetired } from "./retire-model.ts";
import type { Unit } from "./transaction.ts";

interface StateChange {
  model: string;
  state: ModelState;
  /** Where the policy wants one before a model is retired; until then its state is as it was. */
  gate?: GateId;
  gateDigest?: Digest | null;
}

type StateCommand = CommandOf<"pause" | "resume" | "retire">;

const becomes = { pause: "paused", resume: "active", retire: "retired" } as const satisfies Record<
  StateCommand["body"]["kind"],
  ModelState
>;
const told = { pause: "model.paused", resume: "model.resumed" } as const;

/** Pauses, resumes or retires a model; what it is already is no change and no fault. A retired one stays so, and serves nothing. */
export async function changeModelState(
  deps: RecordDeps,
  command: StateCommand,
): Promise<{ ok: true; gate?: StartedGate } | Refused> {
  const model = claimed(command, "model");
  const outcome = await carryOut(
    deps,
    { command, rule: { action: "pause", subject: model, model } },
    async (unit): Promise<Outcome<StateChange>> => {
      const { trx, note } = unit;
      const { kind, reason } = command.body;
      const present = await trx.selectFrom("models").selectAll().where("name", "=", model).forNoKeyUpdate().executeTakeFirst();
      if (!present) return refused("not-found", `There is no model ${model}.`);
      const state = becomes[kind];
      if (present.state === state) return { ok: true, result: { model, state } };
      if (present.state === "retired") return refused("model-retired", `${model} was retired; that is for ever.`);
      const asked = kind === "retire" ? await askToRetire(deps, unit, { command, model: present }) : null;
      if (asked) return { ok: true, result: { model, state: present.state, gate: asked.gate, gateDigest: asked.digest } };
      if (kind === "retire") {
        await endRequestsAbout({ deps, unit }, model);
        await retireModel(unit, { model, by: command.principal, reason, through: { command: command.id } });
        return { ok: true, result: { model, state } };
      }
      await trx.updateTable("models").set({ state, updated_at: new Date() }).where("name", "=", model).execute();
      note({
        kind: told[kind],
        actor: command.principal,
        model,
        subject: model,
        data: { command: command.id, reason, from: present.state },
      });
      return { ok: true, result: { model, state } };
    },
  );
  if (!outcome.ok) return outcome;
  // A hint: the watch gives it again, and the model is retired.
  if (outcome.result.state === "retired") await stopRetired(deps).catch(() => undefined);
  const { gate, gateDigest } = outcome.result;
  return { ok: true, ...(gate !== undefined && gateDigest && { gate: { gate, digest: gateDigest } }) };
}

/** Where the policy in force wants a gate before a model is retired: the request. Else null. */
async function askToRetire(
  deps: RecordDeps,
  unit: Unit,
  { command, model }: { command: StateCommand; model: Row<"models"> },
): Promise<{ gate: GateId; digest: Digest | null } | null> {
  const policy = await newestPolicy(unit.trx, model);
  const rule = policy.body.retirement;
  return rule ? freezeRetirementGate(deps, unit, { command, model, policy, rule }) : null;
}
