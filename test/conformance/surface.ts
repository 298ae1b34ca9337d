import type { DecisionKind, GateState, ReceiptKind, Resolution } from "../../domain/gate.ts";
import type { Digest, GateId, PrincipalId } from "../../domain/ids.ts";

/** One attempt as a person makes it. */
export interface Attempt {
  gate: GateId;
  digest: Digest;
  decision: DecisionKind;
  reason?: string;
  inputs?: Record<string, string | number | boolean>;
  /** The same key again is the same attempt again: a double click, a retry. Surfaces that make their own ignore it. */
  key?: string;
}

/** What the surface answered, in one form for all. */
export interface Reply {
  /** The typed answer; null where the surface gave none (a malformed body, say). */
  receipt: ReceiptKind | null;
  /** By the surface's own way of saying no: no 2xx, an exit code, an error shown. */
  refused: boolean;
  /** Everything it said. */
  text: string;
}

/** What a person sees of a gate. */
export interface Shown {
  state: GateState;
  resolution: Resolution | null;
  /** Whether this person is offered to decide. */
  offers: boolean;
  text: string;
}

/**
 * A place where people decide. The conformance suite is written against this alone, so that a
 * further surface is proven by one more file in `surfaces/`.
 */
export interface GateSurface {
  name: string;
  /** What it cannot do by design; a point that needs it is proven by what it can. */
  can: {
    withdraw: boolean;
    escalate: boolean;
    inputs: boolean;
    /** Carries a key of the caller's choice, so that a retry is known as one. */
    key: boolean;
    /** Tells of a change by itself, without being asked again. */
    follows: boolean;
  };
  /** So many attempts at once it stands in a test. */
  crowd: number;
  decide(who: PrincipalId, attempt: Attempt): Promise<Reply>;
  withdraw?(who: PrincipalId, asked: { gate: GateId; reason: string; key?: string }): Promise<Reply>;
  /** Null where this person sees no such gate. */
  read(who: PrincipalId, gate: GateId): Promise<Shown | null>;
  /** Everything that only looks: reading, previews, prefetches, links that look like commands. */
  lookAround(who: PrincipalId, gate: GateId, digest: Digest): Promise<void>;
  /** Sends what is no decision, each in another way. */
  malformed(who: PrincipalId, gate: GateId, digest: Digest): Promise<Reply[]>;
  /** Keeps the gate before the eyes of a person; `untilClosed` resolves when it says so by itself. */
  watch?(who: PrincipalId, gate: GateId): Promise<{ untilClosed(): Promise<Shown>; close(): Promise<void> }>;
  close?(): Promise<void>;
}
