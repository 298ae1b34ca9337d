import type { Logger } from "pino";
import type { SlotRow } from "../db/serving-slots.ts";
import { CountersignError } from "../domain/errors.ts";
import type { ModelName, Timestamp, VersionId } from "../domain/ids.ts";
import type { LoadedVersion } from "./loaded-version.ts";
import type { VersionShelf } from "./version-shelf.ts";
import { framesOf, toldError } from "../ml/told-error.ts";

/**
 * What each slot serves:
 *
 *   wanted (the row's epoch and champion) ──load whole, verify the approval──> serving (switched in one assignment)
 *        │                        └─broken, or not approved──> fault: the old one goes on serving;
 *        └── a row with a lower epoch is never obeyed             tried again after a while and at each move
 *
 * The row alone is not obeyed: whoever can write it could have anything served. `verify` reads the
 * approval and checks every signature behind it, for exactly the bytes that were loaded.
 *
 * A batch takes version and epoch together when it begins, so what is served changes between two
 * batches and never within one.
 */
export interface Slot {
  readonly model: ModelName;
  readonly environment: string;
  /** Of what is served; behind `wanted.epoch` while a version is being loaded or is refused. */
  epoch: number;
  serving: LoadedVersion | null;
  servingSince: Timestamp | null;
  wanted: { epoch: number; version: VersionId | null };
  /** What of the approval of what is served cannot be verified any more, and the cure. */
  doubt: string | null;
  fault: SlotFault | null;
}

export interface SlotFault {
  version: VersionId;
  epoch: number;
  code: string;
  message: string;
  at: Timestamp;
  tries: number;
}

export interface SwitchOptions {
  shelf: VersionShelf;
  /** Throws where it is not approved for that environment: `never-approved`, `approval-revoked`, `not-signed`. Gives what is doubtful of it, or null. */
  verify(served: { version: LoadedVersion; environment: string }): Promise<string | null>;
  logger: Logger;
  /** How long after a refusal a version is tried again: a restored artifact store heals by itself. */
  retryMs: number;
  /** Called when no version is being loaded any more. */
  onSettled(): void;
}

export interface SlotSwitch {
  obey(row: SlotRow): void;
  slots: ReadonlyMap<string, Slot>;
  isSettled(): boolean;
  settled(): Promise<void>;
  stop(): void;
}

export function slotKey({ model, environment }: { model: ModelName; environment: string }): string {
  return `${model}/${environment}`;
}

export function createSlotSwitch({ shelf, verify, logger, retryMs, onSettled }: SwitchOptions): SlotSwitch {
  const slots = new Map<string, Slot>();
  const settling = new Map<string, Promise<void>>();
  const retries = new Set<NodeJS.Timeout>();
  let stopped = false;

  function settle(slot: Slot): void {
    const key = slotKey(slot);
    if (settling.has(key) || stopped) return;
    const work = settleSlot(slot).then((refused) => {
      settling.delete(key);
      if (refused) retryLater(slot);
      // The slot may have moved between the last look and now.
      else if (slot.epoch !== slot.wanted.epoch) settle(slot);
      if (settling.size === 0 && !stopped) onSettled();
    });
    settling.set(key, work);
  }

  /** Loads what is wanted until that is what is served; true when it was refused. */
  async function settleSlot(slot: Slot): Promise<boolean> {
    while (slot.epoch !== slot.wanted.epoch && !stopped) {
      const { epoch, version } = slot.wanted;
      try {
        const serving = version === null ? null : await shelf.get(version);
        const loadedMs = performance.now();
        const doubt = serving === null ? null : await verify({ version: serving, environment: slot.environment });
        const verifyMs = Math.round((performance.now() - loadedMs) * 10) / 10;
        if (slot.wanted.epoch !== epoch) continue;
        Object.assign(slot, { epoch, serving, servingSince: serving && new Date().toISOString(), doubt, fault: null });
        logger.info(
          { slot: slotKey(slot), version, epoch, loadMs: serving?.loadMs, verifyMs, ...(doubt !== null && { doubt }) },
          `${version ?? "nothing"} serves ${slotKey(slot)}`,
        );
      } catch (error) {
        if (slot.wanted.epoch !== epoch || version === null) continue;
        slot.fault = faultOf(slot, { epoch, version, error });
        const goesOn = slot.serving === null ? "nothing serves" : `${slot.serving.version} goes on serving`;
        logger.error(
          { slot: slotKey(slot), fault: slot.fault, why: toldError(error), at: framesOf(error) },
          `${version} is refused: ${slot.fault.message} ${goesOn}.`,
        );
        return true;
      }
    }
    return false;
  }

  function retryLater(slot: Slot): void {
    const retry = setTimeout(() => {
      retries.delete(retry);
      settle(slot);
    }, retryMs);
    retries.add(retry);
  }

  return {
    slots,
    obey: (row) => {
      const key = slotKey(row);
      const slot = slots.get(key) ?? newSlot(row);
      slots.set(key, slot);
      if (row.epoch <= slot.wanted.epoch) return;
      slot.wanted = { epoch: row.epoch, version: row.champion };
      settle(slot);
    },
    isSettled: () => settling.size === 0,
    settled: async () => {
      while (settling.size > 0) await Promise.all(settling.values());
    },
    stop: () => {
      stopped = true;
      for (const retry of retries) clearTimeout(retry);
    },
  };
}

function newSlot({ model, environment }: SlotRow): Slot {
  const nothing = { epoch: -1, version: null };
  return { model, environment, epoch: -1, serving: null, servingSince: null, wanted: nothing, doubt: null, fault: null };
}

function faultOf(slot: Slot, { epoch, version, error }: { epoch: number; version: VersionId; error: unknown }): SlotFault {
  const message = toldError(error);
  const code = error instanceof CountersignError ? error.code : "internal";
  return {
    version,
    epoch,
    code,
    message,
    at: new Date().toISOString(),
    tries: slot.fault?.epoch === epoch ? slot.fault.tries + 1 : 1,
  };
}
