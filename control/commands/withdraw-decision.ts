import { gateVisible, readGateState } from "../../db/reads/gates.ts";
import { CountersignError } from "../../domain/errors.ts";
import { gateIdPattern, workflowIds } from "../../domain/ids.ts";
import { withdrawUpdate } from "../../workflows/messages.ts";
import { unavailable } from "../faults.ts";
import { notFound, scopeOf } from "../read-rights.ts";
import { askWatch } from "../watch.ts";
import { defineCommand, finishBy } from "./command.ts";

/** Takes back one's own decision while the gate is open. What has closed a gate can no longer be taken back. */
export const withdrawDecision = defineCommand({
  kind: "withdraw-decision",
  find: async (context, caller, { id }) => {
    const visible = gateIdPattern.test(id) && (await gateVisible(context.db, scopeOf(caller.principal), id));
    if (!visible) throw notFound("gate", id);
    return { id, model: null };
  },
  gate: ({ id }) => id,
  body: ({ about: { id: gate }, request: { reason } }) => ({ kind: "withdraw-decision", gate, reason }),
  finish: finishBy<"withdraw-decision">(({ principal, at, body: { gate } }) => ({
    to: { workflowId: workflowIds.gate(gate) },
    update: withdrawUpdate,
    gone: async (context) => {
      if ((await readGateState(context.db, gate))?.state !== "open")
        return new CountersignError("already-decided", `${gate} is closed; a decision can be taken back only while it is open.`);
      await askWatch(context, gate);
      return unavailable(
        `The workflow of ${gate} ended in silence, so nothing was taken back. The watch closes the request and it is asked again.`,
      );
    },
    outcome: async () => ({ kind: "done", status: 200, value: { gate, by: principal, at } }),
  })),
});
