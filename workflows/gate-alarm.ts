import { CancellationScope, isCancellation, sleep } from "@temporalio/workflow";
import type { Due } from "../domain/gate-timeline.ts";

/**
 * After a moment that ends the taking of decisions, so long is waited for those that were made
 * before it and are on their way: a slow process makes nobody late.
 */
const graceMs = 1_000;

/**
 * The timers of one request, one at a time: the next moment of its timeline. Whatever closes the
 * gate stops it; a timer that fires all the same finds a closed row and does nothing.
 */
export class GateAlarm {
  rang = false;
  private readonly timeline: Due[];
  private next = 0;
  private scope: CancellationScope | null = null;

  constructor(timeline: Due[]) {
    this.timeline = timeline;
    this.set();
  }

  /** What fell due, once; the timer of the next moment is set. */
  takeRung(): Due | null {
    if (!this.rang) return null;
    this.rang = false;
    const due = this.timeline[this.next] ?? null;
    this.next += 1;
    this.set();
    return due;
  }

  stop(): void {
    this.rang = false;
    this.scope?.cancel();
    this.scope = null;
  }

  inWords({ kind, step }: Due): string {
    switch (kind) {
      case "remind":
        return `Reminds the deciders, for the ${step}. time`;
      case "escalate":
        return `Escalates to step ${step} of the chain`;
      case "deadline":
        return "The deadline has come";
      case "max-age":
        return "The evidence is too old";
    }
  }

  private set(): void {
    const due = this.timeline[this.next];
    if (!due) return;
    const grace = due.kind === "deadline" || due.kind === "max-age" ? graceMs : 0;
    const waitMs = Math.max(1, new Date(due.at).getTime() + grace - Date.now());
    this.scope = new CancellationScope();
    void this.scope
      .run(() => sleep(waitMs, { summary: `${due.kind} ${due.step}, due at ${due.at}` }))
      .then(() => (this.rang = true))
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      });
  }
}
