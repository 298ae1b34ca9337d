import { condition, getExternalWorkflowHandle } from "@temporalio/workflow";
import type { StartedGate } from "../domain/subject-gates.ts";
import { workflowIds, type Digest, type ReleaseId } from "../domain/ids.ts";
import type { CommandOf } from "../domain/signed-command.ts";
import { BreakGlassLane } from "./break-glass-lane.ts";
import { lifecycleCommandKinds, releaseCommandSignal, type LifecycleCommand } from "./messages.ts";
import { record } from "./records.ts";
import { startSubjectGate, tellEnded } from "./subject-gate.ts";
import { refuseMessage } from "./refusal.ts";
import { survive } from "./survive.ts";

/** Messages in no form that a model takes are put on record up to this many a run; they can only come from outside the product. */
const mostMalformed = 20;

/** Where messages to a model arrive, and are answered by the activities that verify them. */
export class LifecycleDesk {
  private commands: LifecycleCommand[] = [];
  private rollbacks: CommandOf<"rollback">[] = [];
  private reports: ReleaseId[] = [];
  private malformed: unknown[] = [];
  private malformedSoFar = 0;
  private rollingBack = false;
  private recallWanted = false;
  readonly breakGlass = new BreakGlassLane();

  take(command: LifecycleCommand): { accepted: true } {
    if (!hasBody(command)) this.refuse(command);
    else if (command.body.kind === "break-glass") this.breakGlass.take({ ...command, body: command.body });
    else if (command.body.kind === "rollback") this.rollbacks.push({ ...command, body: command.body });
    else this.commands.push(command);
    return { accepted: true };
  }

  /** Keeps for the record what is no message at all. */
  refuse(message: unknown): void {
    if (this.malformedSoFar++ < mostMalformed) this.malformed.push(message);
  }

  report(release: unknown): void {
    if (typeof release === "string") this.reports.push(release);
    else this.refuse(release);
  }

  nextReport(): ReleaseId | undefined {
    return this.reports.shift();
  }

  /** A gate about the model closed: perhaps another definition is in force. */
  recall(): void {
    this.recallWanted = true;
  }

  /** Whether the definition is to be read again; says so once. */
  takeRecall(): boolean {
    const wanted = this.recallWanted;
    this.recallWanted = false;
    return wanted;
  }

  get idle(): boolean {
    return (
      !this.rollingBack &&
      !this.recallWanted &&
      this.breakGlass.idle &&
      this.commands.length + this.rollbacks.length + this.reports.length + this.malformed.length === 0
    );
  }

  /** Something for the main loop; rollbacks have their own. */
  get waiting(): boolean {
    return this.recallWanted || this.commands.length + this.reports.length + this.malformed.length > 0;
  }

  /** A loop of its own, so that nothing that waits can hold a rollback up. */
  async rollBackForever(): Promise<never> {
    for (;;) {
      await condition(() => this.rollbacks.length > 0);
      this.rollingBack = true;
      const command = this.rollbacks.shift();
      if (command)
        await survive(() => record(`Verifies the rollback of ${command.principal} and moves the slot`).rollBack(command));
      this.rollingBack = false;
    }
  }

  /** Carries out the next command: gives the definition that is in force after it, if it changed, and the release that it took back. */
  async carryOutNext(queued: ReleaseId | null): Promise<{ definition?: Digest; withdrawn?: ReleaseId }> {
    const claimed = this.malformed.shift();
    if (claimed !== undefined) await refuseMessage({ message: "update", claimed, why: "It is no command that a model takes." });
    const command = this.commands.shift();
    if (!command) return {};
    const { body } = command;
    switch (body.kind) {
      case "apply-definition": {
        const answer = await record(`Verifies and applies the definition of ${command.principal}`).applyDefinition({
          ...command,
          body,
        });
        if (!answer.ok) return {};
        if (answer.ended) await tellEnded(answer.ended);
        if (answer.gate) await openSubjectGate(answer.gate);
        return { definition: answer.definition };
      }
      case "withdraw-release":
        return body.release === queued ? withdrawQueued({ ...command, body }) : passOn({ ...command, body });
      case "rollback":
      case "break-glass":
        return {};
      case "close-finding":
        await record(`Verifies that ${command.principal} may close ${body.finding}`).closeFinding({ ...command, body });
        return {};
      default: {
        const answer = await record(`Verifies the ${body.kind} of ${command.principal}`).changeModelState({ ...command, body });
        if (answer.ok && answer.gate) await openSubjectGate(answer.gate);
        return {};
      }
    }
  }
}

async function openSubjectGate(gate: StartedGate): Promise<void> {
  const searchable = await record("Asks whether runs can be searched").searchAttributesReady();
  await startSubjectGate(gate, searchable);
}

/** A queued release has no workflow yet that could be told. */
async function withdrawQueued(command: CommandOf<"withdraw-release">): Promise<{ withdrawn?: ReleaseId }> {
  const { release } = command.body;
  const answer = await record(`Verifies that ${command.principal} may withdraw ${release}`).withdrawRelease(command);
  if (!answer.ok) return {};
  const summary = `${release} was withdrawn before it started.`;
  await record(`${release} ends: withdrawn`).endRelease({ release, outcome: "withdrawn", next: null, summary });
  return { withdrawn: release };
}

/** It has started meanwhile. One that is gone as well was ended, and the database says so. */
async function passOn(command: CommandOf<"withdraw-release">): Promise<Record<string, never>> {
  try {
    await getExternalWorkflowHandle(workflowIds.release(command.body.release)).signal(releaseCommandSignal, command);
  } catch {
    await record(`Verifies the withdrawal of ${command.principal}`).withdrawRelease(command);
  }
  return {};
}

/** Whoever reaches Temporal can send anything. Whether what has this form is true, the activities verify. */
function hasBody(command: unknown): command is LifecycleCommand {
  const kind = (command as Partial<LifecycleCommand> | null)?.body?.kind;
  return lifecycleCommandKinds.some((one) => one === kind);
}

export function isRequest(command: unknown): command is CommandOf<"request-release"> {
  const { id, body } = (command ?? {}) as Partial<CommandOf<"request-release">>;
  return (
    typeof id === "string" && body?.kind === "request-release" && typeof body.parameters === "object" && body.parameters !== null
  );
}
