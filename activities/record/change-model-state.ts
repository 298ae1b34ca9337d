import type { ModelState } from "../../domain/lifecycle.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import type { Refused } from "../contract.ts";
import { carryOut, claimed, refused, type Outcome } from "./carry-out.ts";
import type { RecordDeps } from "./deps.ts";

type StateCommand = CommandOf<"pause" | "resume" | "retire">;

const becomes = { pause: "paused", resume: "active", retire: "retired" } as const satisfies Record<
  StateCommand["body"]["kind"],
  ModelState
>;
const told = { pause: "model.paused", resume: "model.resumed", retire: "model.retired" } as const;

/** Pauses, resumes or retires a model; what it is already is no change and no fault. A retired one stays so. */
export async function changeModelState(deps: RecordDeps, command: StateCommand): Promise<{ ok: true } | Refused> {
  const model = claimed(command, "model");
  const outcome = await carryOut(
    deps,
    { command, rule: { action: "pause", subject: model, model } },
    async ({ trx, note }): Promise<Outcome<{ model: string; state: ModelState }>> => {
      const { kind, reason } = command.body;
      const present = await trx
        .selectFrom("models")
        .select("state")
        .where("name", "=", model)
        .forNoKeyUpdate()
        .executeTakeFirst();
      if (!present) return refused("not-found", `There is no model ${model}.`);
      const state = becomes[kind];
      if (present.state === state) return { ok: true, result: { model, state } };
      if (present.state === "retired") return refused("model-retired", `${model} was retired; that is for ever.`);
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
  return outcome.ok ? { ok: true } : outcome;
}
