import { condition, ParentClosePolicy, startChild, WorkflowIdReusePolicy } from "@temporalio/workflow";
import { WorkflowExecutionAlreadyStartedError } from "@temporalio/common";
import { workflowIds, type Digest, type GateId, type ModelName } from "../domain/ids.ts";
import type { CommandOf } from "../domain/signed-command.ts";
import { gate as gateWorkflow } from "./gate.ts";
import { record } from "./records.ts";
import { pairs } from "./search-attributes.ts";
import { survive } from "./survive.ts";

/**
 * Where what was asked by break-glass is done at once, beside everything else of a model's life, and
 * its reviews are opened:
 *
 *   command ──> breakGlass moves the slot and freezes the review ──> gate/<model>.break-glass.<k>
 *   a review that was closed because nobody could decide on it ──> asked anew under the next number
 */
export class BreakGlassLane {
  searchable = false;
  private commands: CommandOf<"break-glass">[] = [];
  private look = false;
  private busy = false;
  /** Reviews that this run started: their ids were not taken by others. */
  private started = new Set<GateId>();

  take(command: CommandOf<"break-glass">): void {
    this.commands.push(command);
  }

  /** A gate of the model tells that it closed. A hint only: the rows are read. */
  hear(gate: unknown): void {
    if (typeof gate === "string" && gate.includes(".break-glass.")) this.look = true;
  }

  get idle(): boolean {
    return !this.busy && !this.look && this.commands.length === 0;
  }

  async runForever(model: ModelName): Promise<never> {
    for (;;) {
      await condition(() => this.look || this.commands.length > 0);
      this.busy = true;
      this.look = false;
      const command = this.commands.shift();
      if (command)
        await survive(() => record(`Verifies the break-glass of ${command.principal} and moves the slot`).breakGlass(command));
      await survive(() => this.openReviews(model));
      this.busy = false;
    }
  }

  private async openReviews(model: ModelName): Promise<void> {
    for (;;) {
      const reviews = await record("Reads which reviews are to be opened").reviewsToOpen({ model });
      const fresh = reviews.filter((one) => !this.started.has(one.gate));
      if (fresh.length === 0) return;
      for (const review of fresh) if (!(await this.start(review))) await giveUp(review.gate);
    }
  }

  /** False when the id was taken by a workflow that this product did not start. */
  private async start({ gate, digest }: { gate: GateId; digest: Digest }): Promise<boolean> {
    this.started.add(gate);
    try {
      await startChild(gateWorkflow, {
        workflowId: workflowIds.gate(gate),
        args: [{ gate, digest, searchable: this.searchable }],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        staticSummary: `Gate ${gate}: was it right to break the glass?`,
        ...(this.searchable && { typedSearchAttributes: pairs({ gate, state: "opening" }) }),
      });
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }
}

async function giveUp(gate: GateId): Promise<void> {
  const why = `the workflow id ${workflowIds.gate(gate)} was taken by somebody else`;
  await record("A review's id was taken; it is asked anew").giveUpReview({ gate, why });
}
