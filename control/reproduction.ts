import { CountersignError } from "../domain/errors.ts";
import type { ReproductionAskedView } from "../domain/http/model-views.ts";
import { reproductionRequestSchema } from "../domain/http/requests.ts";
import { modelOf } from "../domain/ids.ts";
import type { CommandOf } from "../domain/signed-command.ts";
import { reproductionUpdate } from "../workflows/messages.ts";
import type { Answer, Outcome } from "./answer.ts";
import type { Asked } from "./caller.ts";
import { finishCommand, refuseOnRecord, signed } from "./command-run.ts";
import type { ControlContext } from "./deps.ts";
import { runOnce } from "./idempotency.ts";
import { requireScope, roleRefusal } from "./read-rights.ts";
import { checkBody } from "./request-body.ts";
import { readVersion } from "./versions.ts";

/** Has a version's training run a second time; what came of it is told with the version. Throws `not-found`. */
export async function reproduce(context: ControlContext, asked: Asked): Promise<Answer<ReproductionAskedView>> {
  const { caller, about: version, sent } = asked;
  requireScope(caller, "release");
  await readVersion(context, caller, version);
  const body = checkBody(reproductionRequestSchema, sent.body);
  const given = { caller, route: `POST /api/versions/${version}/reproductions`, key: sent.key, body };
  return runOnce(context, given, async (begun) => {
    const error = begun.signed ? null : roleRefusal(caller.principal, "release");
    if (error) return refuseOnRecord(context, { caller, kind: "reproduce", subject: version, model: modelOf(version), error });
    return finishReproduce(context, await signed(context, { begun, caller, body: { kind: "reproduce", version } }));
  });
}

export function finishReproduce(
  context: ControlContext,
  command: CommandOf<"reproduce">,
): Promise<Outcome<ReproductionAskedView>> {
  const { version } = command.body;
  return finishCommand<CommandOf<"reproduce">["body"], ReproductionAskedView>(context, command, {
    to: { reproduction: command.id },
    update: reproductionUpdate,
    gone: new CountersignError("unavailable", "Its workflow could not be started. Try again with the same Idempotency-Key."),
    outcome: async ({ reproduction }) => ({
      kind: "done",
      status: 202,
      value: { reproduction: typeof reproduction === "string" ? reproduction : command.id, version },
    }),
  });
}
