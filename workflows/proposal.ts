import { allHandlersFinished, condition, setCurrentDetails, setHandler } from "@temporalio/workflow";
import type { CommandOf } from "../domain/signed-command.ts";
import { proposalUpdate } from "./messages.ts";
import { record } from "./records.ts";
import { startSubjectGate, tellEnded } from "./subject-gate.ts";

/** It is started together with its command; one that gets none was started by hand. */
const commandWithin = "1 minute";

/**
 * A new version of a policy, from the command to the gate that it passes. `proposal/<command id>`:
 *
 *   started ── its command ──> checking ── proposePolicy ──> published, refused, or its gate started
 *
 * The gate outlives this workflow and publishes in the transaction that closes it. What came of the
 * command stands in `command_results`.
 */
export async function proposal(): Promise<void> {
  let command: CommandOf<"propose-policy"> | null = null;
  setHandler(proposalUpdate, (given) => {
    command ??= given;
    return { accepted: true };
  });
  if (!(await condition(() => command !== null, commandWithin))) return;
  // The handler set it, which the compiler cannot see.
  const given = command as unknown as CommandOf<"propose-policy">;
  setCurrentDetails(`Checks ${String(given?.body?.policy)} ${String(given?.body?.version)}.`);
  const answer = await record("Verifies and checks the proposed policy").proposePolicy(given);
  if (answer.ok) {
    const { gate, ended } = answer;
    if (ended !== null) await tellEnded(ended);
    if (gate !== null) {
      const searchable = await record("Asks whether runs can be searched").searchAttributesReady();
      await startSubjectGate(gate, searchable);
    }
    setCurrentDetails(gate === null ? "Published." : `Waits at gate ${gate.gate}.`);
  }
  await condition(allHandlersFinished);
}
