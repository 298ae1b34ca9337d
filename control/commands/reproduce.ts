import { CountersignError } from "../../domain/errors.ts";
import { modelOf } from "../../domain/ids.ts";
import { reproductionUpdate } from "../../workflows/messages.ts";
import { readVersion } from "../versions.ts";
import { defineCommand, finishBy } from "./command.ts";

/** Has a version's training run a second time; what came of it is told with the version. */
export const reproduce = defineCommand({
  kind: "reproduce",
  find: async (context, caller, { id }) => {
    await readVersion(context, caller, id);
    return { id, model: modelOf(id) };
  },
  body: ({ about: { id: version } }) => ({ kind: "reproduce", version }),
  finish: finishBy<"reproduce">(({ id, body: { version } }) => ({
    to: { reproduction: id },
    update: reproductionUpdate,
    gone: new CountersignError("unavailable", "Its workflow could not be started. Try again with the same Idempotency-Key."),
    outcome: async ({ reproduction }) => ({
      kind: "done",
      status: 202,
      value: { reproduction: typeof reproduction === "string" ? reproduction : id, version },
    }),
  })),
});
