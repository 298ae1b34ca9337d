import type { Principal, Surface } from "../domain/principal.ts";

/** What a token may be used for, where it is scoped; without scopes it may be used for all that its principal may do. */
export const scopes = ["read", "define", "release", "decide", "operate", "predict", "administer"] as const;
export type Scope = (typeof scopes)[number];

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
