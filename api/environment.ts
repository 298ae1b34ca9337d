import type { Caller } from "../control/caller.ts";
import type { Control } from "../control/control.ts";

/** What a request carries through the middleware. */
export interface ApiEnv {
  Variables: {
    caller: Caller;
  };
}

/** Where faults of our own are told; nothing of them goes to the caller. */
export interface FaultLog {
  error(facts: Record<string, unknown>, message: string): void;
}

export interface ApiDeps {
  control: Control;
  /** Origin of the prediction server, to which predictions are passed on; null: this server answers none. */
  servingUrl: string | null;
  log: FaultLog;
  version: string;
}
