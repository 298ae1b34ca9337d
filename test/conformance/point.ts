import { expect } from "vitest";
import type { AskedGate, ConformanceStand } from "./stand.ts";
import type { Attempt, GateSurface, Reply } from "./surface.ts";

export interface Context {
  stand: ConformanceStand;
  surface: GateSurface;
  /** The others, on which a decision must show. */
  others: GateSurface[];
}

/** One of the bugs that other products had, and what shows that this one has it not. */
export interface Point {
  number: number;
  /** A sentence that says what holds. */
  holds: string;
  /** Nothing of it depends on the surface but that it decides: an ordinary run shows it on the first one only. */
  beneath?: boolean;
  /** It stops workers, moves people or takes all there is: nothing else runs meanwhile. */
  alone?: boolean;
  run(context: Context): Promise<void>;
}

export const attemptOn = (gate: AskedGate, more: Partial<Attempt> = {}): Attempt => ({
  gate: gate.id,
  digest: gate.digest,
  decision: "approve",
  ...more,
});

/** The typed answer, and in the surface's own way no success; a surface that offers nothing to somebody may give no receipt. */
export function expectRefused(surface: GateSurface, reply: Reply, receipt: string): void {
  expect(reply.refused, `${surface.name}: ${reply.text}`).toBe(true);
  if (reply.receipt !== null || !surface.can.follows) expect(reply.receipt, reply.text).toBe(receipt);
}

export function expectTaken(reply: Reply): void {
  expect({ receipt: reply.receipt, refused: reply.refused }, reply.text).toEqual({ receipt: "accepted", refused: false });
}

/** Open, with nothing decided. */
export async function expectUntouched({ stand }: Pick<Context, "stand">, gate: AskedGate): Promise<void> {
  expect(await stand.rowOf(gate.id)).toMatchObject({ state: "open", resolution: null });
  expect(await stand.votes(gate.id)).toEqual([]);
  expect((await stand.decisions(gate.id)).filter((one) => one.counted)).toEqual([]);
}

/** Closed so, once, and on record once. */
export async function expectClosedOnce({ stand }: Pick<Context, "stand">, gate: AskedGate, resolution: string): Promise<void> {
  expect(await stand.rowOf(gate.id)).toMatchObject({ state: "closed", resolution });
  expect((await stand.audited(gate.id)).filter((kind) => kind === "gate.closed")).toHaveLength(1);
}
