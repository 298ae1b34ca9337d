import { randomBytes } from "node:crypto";

/** "Triggers expire in three seconds", and each opens one view. */
const lifeMs = 3_000;

export interface Trigger {
  user: string;
  at: number;
  used: boolean;
  /** From inside a modal: only then may a view be pushed. */
  fromModal: boolean;
}

export type TriggerFault = "invalid_trigger_id" | "expired_trigger_id" | "exchanged_trigger_id";

export type Triggers = ReturnType<typeof createTriggers>;

/** The ids that let an app open a view for the person who has just done something. */
export function createTriggers(now: () => number) {
  const all = new Map<string, Trigger>();

  return {
    make(user: string, fromModal = false): string {
      for (const [id, { at }] of all) if (now() - at > 60_000) all.delete(id);
      const id = `${now()}.${randomBytes(4).readUInt32BE()}.${randomBytes(16).toString("hex")}`;
      all.set(id, { user, at: now(), used: false, fromModal });
      return id;
    },
    look(id: string): Trigger | TriggerFault {
      const found = all.get(id);
      if (found === undefined) return "invalid_trigger_id";
      if (found.used) return "exchanged_trigger_id";
      return now() - found.at > lifeMs ? "expired_trigger_id" : found;
    },
    use(id: string): void {
      const found = all.get(id);
      if (found !== undefined) found.used = true;
    },
  };
}
