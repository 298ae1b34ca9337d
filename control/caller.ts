import type { Principal, Surface } from "../domain/principal.ts";

/** Somebody who was authenticated, and through which surface. */
export interface Caller {
  principal: Principal;
  surface: Surface;
  token: { id: string; kind: "api" | "session"; scopes: string[] };
}

/** One command of a caller: what was sent, unchecked (a CountersignError where it could not be read), and under which key; without a key it can happen again. */
export interface Sent {
  body: unknown;
  key: string | null;
  /** Of a decision: called once it is durable, before its record says whether it counts. */
  onAccepted?: () => void;
}

/** A command of somebody about a model, a release or a gate, whose id is as it stood in the path, unchecked. */
export interface Asked {
  caller: Caller;
  about: string;
  sent: Sent;
}
