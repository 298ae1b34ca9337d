import { condition, getExternalWorkflowHandle } from "@temporalio/workflow";
import { workflowIds, type GateId } from "../domain/ids.ts";
import type { CommandOf, UnblockAction } from "../domain/signed-command.ts";
import type { ReleaseParameters } from "../domain/stage-results.ts";
import { lookSignal, type ReleaseCommand } from "./messages.ts";
import { record } from "./records.ts";
import { refuseMessage } from "./refusal.ts";
import { survive } from "./survive.ts";

/** Hints and commands beyond this many in one run are ignored: a flood can only come from outside the product. */
const mostMessages = 200;

export interface Unblocked {
  action: UnblockAction;
  parameters: ReleaseParameters;
  by: string;
  reason: string;
}

/** Where messages to a release arrive, and are answered by the activities that verify them. */
export class ReleaseDesk {
  withdrawn = false;
  /** True while a slot is being moved: a withdrawal then waits, and is judged by what the database holds after. */
  deploying = false;
  /** True while a withdrawal is being verified: a deployment then waits for its answer. */
  deciding = false;
  private inbox: ReleaseCommand[] = [];
  private unblocked: Unblocked[] = [];
  private hints: GateId[] = [];
  private received = 0;
  private onWithdraw: () => void = () => undefined;

  take(command: ReleaseCommand): { accepted: true } {
    if (this.received++ < mostMessages) this.inbox.push(command);
    return { accepted: true };
  }

  hint(gate: unknown): void {
    if (typeof gate === "string" && this.received++ < mostMessages) this.hints.push(gate);
  }

  /** Carries out commands as they come, beside the stages, for as long as the release runs. */
  async serve(onWithdraw: () => void): Promise<never> {
    this.onWithdraw = onWithdraw;
    for (;;) {
      await condition(() => this.inbox.length > 0);
      const command = this.inbox.shift();
      if (command) await survive(() => this.carryOut(command));
    }
  }

  /** Waits for a person to say how a blocked release goes on. */
  async nextUnblocked(): Promise<Unblocked> {
    await condition(() => this.unblocked.length > 0);
    const next = this.unblocked.shift();
    if (!next) throw new Error("unreachable: the condition held");
    return next;
  }

  /** Waits for the next report that a gate closed; a report is a hint, the row decides. */
  async nextHint(): Promise<GateId> {
    await condition(() => this.hints.length > 0);
    return this.hints.shift() ?? "";
  }

  /** Waits until no withdrawal is being verified. */
  async decided(): Promise<void> {
    await condition(() => !this.deciding);
  }

  private async carryOut(command: ReleaseCommand): Promise<void> {
    if (command?.body?.kind === "withdraw-release") return this.withdraw({ ...command, body: command.body });
    if (command?.body?.kind === "unblock") {
      const answer = await record(`Verifies that ${command.principal} may ${command.body.action} this release`).unblockRelease({
        ...command,
        body: command.body,
      });
      if (answer.ok)
        this.unblocked.push({
          action: answer.action,
          parameters: answer.parameters,
          by: command.principal,
          reason: command.body.reason,
        });
      return;
    }
    await refuseMessage({ message: "update", claimed: command, why: "It is no command that a release takes." });
  }

  private async withdraw(command: CommandOf<"withdraw-release">): Promise<void> {
    await condition(() => !this.deploying);
    this.deciding = true;
    try {
      const answer = await record(`Verifies that ${command.principal} may withdraw this release`).withdrawRelease(command);
      if (!answer.ok) return;
      this.withdrawn = true;
      // Before a deployment that waits for this answer may go on.
      this.onWithdraw();
      if (answer.gate) await this.tellGate(answer.gate);
    } finally {
      this.deciding = false;
    }
  }

  private async tellGate(gate: GateId): Promise<void> {
    try {
      await getExternalWorkflowHandle(workflowIds.gate(gate)).signal(lookSignal);
    } catch {
      // The gate's workflow is gone; its row is closed, which is what counts.
    }
  }
}
