import type { Logger } from "pino";
import { CountersignError } from "../domain/errors.ts";
import type { ModelName, Timestamp, VersionId } from "../domain/ids.ts";
import type { ServedModel, SlotRow } from "../db/serving-slots.ts";
import type { LoadedVersion } from "./loaded-version.ts";
import type { VersionShelf } from "./version-shelf.ts";

/**
 * Follows the slots. For each one:
 *
 *   wanted (the row's epoch and champion) ──load whole──> serving (switched in one assignment)
 *        │                                   └─broken──> fault: the old one goes on serving, tried
 *        └── a row with a lower epoch is never obeyed            again after a while and at each move
 *
 * What a slot serves changes between two batches, never within one.
 */
export interface Slot {
  readonly model: ModelName;
  readonly environment: string;
  /** Of what is served; behind `wanted.epoch` while a version is being loaded or is refused. */
  epoch: number;
  serving: LoadedVersion | null;
  servingSince: Timestamp | null;
  wanted: { epoch: number; version: VersionId | null };
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

export interface SlotFollower {
  /** Reads the slots now; resolves when they were read (not when versions are loaded). Never rejects: `database()` says how it went. */
  refresh(): Promise<void>;
  /** Resolves when no version is being loaded. */
  settled(): Promise<void>;
  slots(): Slot[];
  slot(model: ModelName, environment: string): Slot | undefined;
  model(name: ModelName): ServedModel | undefined;
  database(): { up: boolean; since: Timestamp; error: string | null };
  stop(): void;
}

export interface FollowerOptions {
  /** All models and slots, and per slot the versions that it served last, newest first. */
  read(): Promise<{ models: ServedModel[]; slots: SlotRow[] }>;
  shelf: VersionShelf;
  logger: Logger;
  /** The safety net under the notices. */
  pollMs?: number;
  /** How long after a refused version it is tried again: a restored artifact store heals by itself. */
  retryMs?: number;
}

export function createSlotFollower({ read, shelf, logger, pollMs = 250, retryMs = 5_000 }: FollowerOptions): SlotFollower {
  const slots = new Map<string, Slot>();
  const settling = new Map<string, Promise<void>>();
  const retries = new Set<NodeJS.Timeout>();
  let models = new Map<ModelName, ServedModel>();
  let rows: SlotRow[] = [];
  let database = { up: false, since: new Date().toISOString(), error: "It was not asked yet." as string | null };
  let reading: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  function told(up: boolean, error: string | null): void {
    if (up !== database.up || database.error === "It was not asked yet.") {
      database = { up, since: new Date().toISOString(), error };
      if (up) logger.info("the database answers");
      else
        logger.error(
          { error },
          "the database is away: predictions are refused until it is back, because they could not be logged",
        );
    }
  }

  async function readOnce(): Promise<void> {
    try {
      const state = await read();
      told(true, null);
      models = new Map(state.models.map((model) => [model.name, model]));
      rows = state.slots;
      for (const row of rows) obey(row);
    } catch (error) {
      told(false, error instanceof Error ? error.message : String(error));
    }
  }

  function refresh(): Promise<void> {
    if (reading !== null) {
      // What is being read may be older than the reason for asking.
      again = true;
      return reading;
    }
    clearTimeout(timer);
    reading = (async () => {
      do {
        again = false;
        await readOnce();
      } while (again && !stopped);
      reading = null;
      if (!stopped) timer = setTimeout(() => void refresh(), pollMs);
    })();
    return reading;
  }

  function obey(row: SlotRow): void {
    const key = `${row.model}/${row.environment}`;
    let slot = slots.get(key);
    if (slot === undefined) {
      slot = {
        model: row.model,
        environment: row.environment,
        epoch: -1,
        serving: null,
        servingSince: null,
        wanted: { epoch: -1, version: null },
        fault: null,
      };
      slots.set(key, slot);
    }
    if (row.epoch <= slot.wanted.epoch) return;
    slot.wanted = { epoch: row.epoch, version: row.champion };
    settle(key, slot);
  }

  function settle(key: string, slot: Slot): void {
    if (settling.has(key) || stopped) return;
    const work = settleSlot(slot).finally(() => {
      settling.delete(key);
      // The slot moved between the last look and now.
      if (slot.epoch !== slot.wanted.epoch && slot.fault?.epoch !== slot.wanted.epoch) settle(key, slot);
      else preload();
    });
    settling.set(key, work);
  }

  async function settleSlot(slot: Slot): Promise<void> {
    while (slot.epoch !== slot.wanted.epoch && !stopped) {
      const { epoch, version } = slot.wanted;
      if (version === null) {
        Object.assign(slot, { epoch, serving: null, servingSince: null, fault: null });
        continue;
      }
      try {
        const loaded = await shelf.get(version);
        if (slot.wanted.epoch !== epoch) continue;
        Object.assign(slot, { epoch, serving: loaded, servingSince: new Date().toISOString(), fault: null });
        logger.info(
          { model: slot.model, environment: slot.environment, version, epoch, loadMs: loaded.loadMs },
          `${version} serves ${slot.model} in ${slot.environment}`,
        );
      } catch (error) {
        if (slot.wanted.epoch !== epoch) continue;
        refuse(slot, { epoch, version, error });
        return;
      }
    }
  }

  function refuse(slot: Slot, { epoch, version, error }: { epoch: number; version: VersionId; error: unknown }): void {
    const tries = slot.fault?.version === version ? slot.fault.tries + 1 : 1;
    const message = error instanceof Error ? error.message : String(error);
    slot.fault = {
      version,
      epoch,
      code: error instanceof CountersignError ? error.code : "internal",
      message,
      at: new Date().toISOString(),
      tries,
    };
    const goesOn = slot.serving === null ? "nothing serves" : `${slot.serving.version} goes on serving`;
    logger.error(
      { model: slot.model, environment: slot.environment, fault: slot.fault, err: error },
      `${version} is refused: ${message} ${goesOn}.`,
    );
    const retry = setTimeout(() => {
      retries.delete(retry);
      settle(`${slot.model}/${slot.environment}`, slot);
    }, retryMs);
    retries.add(retry);
  }

  /** Keeps in memory what serves and what it may be rolled back to; the rest is closed. */
  function preload(): void {
    if (stopped || settling.size > 0) return;
    const wanted = new Set<VersionId>();
    for (const { serving } of slots.values()) if (serving !== null) wanted.add(serving.version);
    const targets = rows.flatMap((row) => row.recent).filter((version) => !wanted.has(version));
    for (const version of targets) wanted.add(version);
    shelf.keepOnly(wanted);
    for (const version of targets) {
      if (shelf.has(version)) continue;
      shelf.get(version).catch((error: unknown) => {
        logger.warn({ version, err: error }, `${version}, to which a slot may be rolled back, cannot be loaded`);
      });
    }
  }

  return {
    refresh,
    settled: async () => {
      while (settling.size > 0) await Promise.all(settling.values());
    },
    slots: () => [...slots.values()],
    slot: (model, environment) => slots.get(`${model}/${environment}`),
    model: (name) => models.get(name),
    database: () => database,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      for (const retry of retries) clearTimeout(retry);
    },
  };
}
