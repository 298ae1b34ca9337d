import { z } from "zod";

const which = { methods: z.array(z.string()).optional(), times: z.number().int().min(1).optional() };
const often = { times: z.number().int().min(1).optional() };
const milliseconds = z.number().int().min(0).max(600_000);

/** What goes wrong on demand. Without `methods` it meets all; without `times` until it is taken back. */
export const faultSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("outage"), status: z.number().int().min(500).max(599).optional(), ...which }),
  z.strictObject({ kind: z.literal("unreachable"), ...which }),
  z.strictObject({ kind: z.literal("slow"), delayMs: milliseconds, ...which }),
  z.strictObject({ kind: z.literal("answer-lost"), ...which }),
  z.strictObject({ kind: z.literal("rate-limited"), retryAfterSeconds: z.number().int().min(0), ...which }),
  z.strictObject({ kind: z.literal("error"), error: z.string().min(1), ...which }),
  z.strictObject({ kind: z.literal("token-revoked"), times: z.number().int().min(1).optional() }),
  // These two are done at once and stay done.
  z.strictObject({ kind: z.literal("channel-archived"), channel: z.string(), archived: z.boolean().default(true) }),
  z.strictObject({ kind: z.literal("message-deleted"), channel: z.string(), ts: z.string() }),
  z.strictObject({ kind: z.literal("delivery-delayed"), delayMs: milliseconds, ...often }),
  z.strictObject({ kind: z.literal("delivery-dropped"), ...often }),
  z.strictObject({ kind: z.literal("delivery-duplicated"), ...often }),
]);

export type Fault = z.input<typeof faultSchema>;
export type FaultKind = Fault["kind"];

export type Faults = ReturnType<typeof createFaults>;

export function createFaults() {
  let active: Fault[] = [];

  return {
    set(faults: Fault | Fault[]): void {
      active = [faults].flat().map((fault) => ({ ...fault }));
    },
    list: (): Fault[] => active.map((fault) => ({ ...fault })),
    /** The fault of that kind that meets this call, used up once. */
    take<Kind extends FaultKind>(kind: Kind, method?: string): Extract<Fault, { kind: Kind }> | null {
      const found = active.find(
        (fault): fault is Extract<Fault, { kind: Kind }> =>
          fault.kind === kind &&
          (!("methods" in fault) || fault.methods === undefined || (method !== undefined && fault.methods.includes(method))),
      );
      if (found === undefined) return null;
      if ("times" in found && found.times !== undefined) {
        found.times -= 1;
        if (found.times === 0) active = active.filter((fault) => fault !== found);
      }
      return found;
    },
  };
}
