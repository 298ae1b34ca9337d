import { readVersionDigest } from "../../db/reads/versions.ts";
import { CountersignError } from "../../domain/errors.ts";
import { brokeGlassSchema, rolledBackSchema } from "../../domain/http/model-views.ts";
import { modelStates } from "../../domain/lifecycle.ts";
import type { CommandOf } from "../../domain/signed-command.ts";
import { lifecycleCommandUpdate } from "../../workflows/messages.ts";
import { lifecycleGone } from "../command-run.ts";
import { needModel } from "../models.ts";
import type { Caller } from "../caller.ts";
import type { ControlContext } from "../deps.ts";
import { defineCommand, finishBy } from "./command.ts";

export async function findModel(context: ControlContext, caller: Caller, { model }: { model: string }) {
  return { id: model, model, present: await needModel(context, caller, model) };
}

const toLifecycle = { update: lifecycleCommandUpdate, gone: lifecycleGone } as const;

/** Back to the previous champion, or to a named version that was approved before. */
export const rollback = defineCommand({
  kind: "rollback",
  find: findModel,
  body: ({ about: { model }, request: { environment, to, reason } }) => ({ kind: "rollback", model, environment, to, reason }),
  finish: finishBy<"rollback">(({ body: { model } }) => ({
    to: { model },
    ...toLifecycle,
    // As the activity that moved the slot wrote it.
    outcome: async (result) => ({ kind: "done", status: 200, value: rolledBackSchema.parse(result) }),
  })),
});

/** Promotes or rolls back at once, on the word of one who holds the role; others review it. */
export const breakGlass = defineCommand({
  kind: "break-glass",
  find: findModel,
  refusal: ({ caller: { principal } }) =>
    principal.kind === "person"
      ? null
      : new CountersignError("forbidden", `${principal.id} is a machine; only people break the glass.`),
  body: async ({ about: { model }, request: { action, environment, version, reason } }, { db }) => {
    const digest = action === "promote" && version !== null ? await readVersionDigest(db, { model, version }) : undefined;
    return { kind: "break-glass", model, action, environment, version, ...(digest && { digest }), reason };
  },
  finish: finishBy<"break-glass">(({ body: { model } }) => ({
    to: { model },
    ...toLifecycle,
    outcome: async (result) => ({ kind: "done", status: 200, value: brokeGlassSchema.parse(result) }),
  })),
});

type StateKind = "pause" | "resume" | "retire";

function stateRoute({ id, body: { kind, model } }: CommandOf<StateKind>) {
  return {
    to: { model },
    ...toLifecycle,
    outcome: async (result: Record<string, unknown>) => {
      const state = modelStates.find((one) => one === result["state"]);
      if (!state) throw new Error(`The ${kind} ${id} left no state.`);
      const gate = typeof result["gate"] === "string" ? result["gate"] : null;
      return { kind: "done" as const, status: gate === null ? 200 : 202, value: { model, state, gate } };
    },
  };
}

export const pause = defineCommand({
  kind: "pause",
  find: findModel,
  body: ({ about: { model }, request: { reason } }) => ({ kind: "pause", model, reason }),
  finish: finishBy<"pause">(stateRoute),
});

export const resume = defineCommand({
  kind: "resume",
  find: findModel,
  body: ({ about: { model }, request: { reason } }) => ({ kind: "resume", model, reason }),
  finish: finishBy<"resume">(stateRoute),
});

export const retire = defineCommand({
  kind: "retire",
  find: findModel,
  body: ({ about: { model }, request: { reason } }) => ({ kind: "retire", model, reason }),
  finish: finishBy<"retire">(stateRoute),
});

/** Closes a finding with a reason; who may is decided where it is written. */
export const closeFinding = defineCommand({
  kind: "close-finding",
  find: async (context, caller, { model, id }) => ({ ...(await findModel(context, caller, { model })), id }),
  body: ({ about: { model, id }, request: { reason } }) => ({ kind: "close-finding", model, finding: id, reason }),
  finish: finishBy<"close-finding">(({ body: { model, finding } }) => ({
    to: { model },
    ...toLifecycle,
    outcome: async () => ({ kind: "done", status: 200, value: { finding } }),
  })),
});
