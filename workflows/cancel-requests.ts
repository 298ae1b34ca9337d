import { CancelledFailure } from "@temporalio/common";
import { CancellationScope, patched } from "@temporalio/workflow";
import { refuseMessage } from "./refusal.ts";

/**
 * Requests in Temporal to cancel a workflow that is not ended so: a gate is closed by a decision, by time or with its
 * release, and a model's life ends with the model. Its work runs in a scope of its own that goes on; what was asked is
 * answered on record. Make one before anything else.
 */
export class CancelRequests {
  asked = false;

  constructor() {
    CancellationScope.current().cancelRequested.catch(() => (this.asked = true));
  }

  /** Puts the refusal on record, once; `why` says how it is ended instead. Ends the workflow where earlier versions did. */
  async refuse(why: string): Promise<void> {
    this.asked = false;
    if (!patched("cancel-is-refused")) throw new CancelledFailure("It was cancelled in Temporal.");
    await refuseMessage({ message: "cancel", claimed: "a request in Temporal to cancel this workflow", why });
  }
}
