import type { Logger } from "pino";
import type { ServedModel, ServedModels } from "../db/serving-slots.ts";
import type { ModelName, Timestamp, VersionId } from "../domain/ids.ts";
import { createSlotSwitch, type Slot, slotKey, type SwitchOptions } from "./slot-switch.ts";
import type { VersionShelf } from "./version-shelf.ts";

/** Reads the slots when it is told to and four times a second, and has the switch obey them. */
export interface SlotFollower {
  /** Reads the slots now; resolves when they were read (not when versions are loaded). Never rejects: `database()` says how it went. */
  refresh(): Promise<void>;
  /** Resolves when no version is being loaded. */
  settled(): Promise<void>;
  slots(): Slot[];
  slot(model: ModelName, environment: string): Slot | undefined;
  model(name: ModelName): ServedModel | undefined;
  database(): DatabaseState;
  stop(): void;
}

export interface DatabaseState {
  /** Null: it was not asked yet. */
  up: boolean | null;
  since: Timestamp;
  error: string | null;
}

export interface FollowerOptions {
  /** All models and slots, with the versions that may serve next. */
  read(): Promise<ServedModels>;
  shelf: VersionShelf;
  verify: SwitchOptions["verify"];
  logger: Logger;
  /** The safety net under the notices. */
  pollMs?: number;
  retryMs?: number;
}

export function createSlotFollower({
  read,
  shelf,
  verify,
  logger,
  pollMs = 250,
  retryMs = 5_000,
}: FollowerOptions): SlotFollower {
  let state: ServedModels = { models: [], slots: [], candidates: [] };
  let models = new Map<ModelName, ServedModel>();
  let database: DatabaseState = { up: null, since: new Date().toISOString(), error: null };
  const switched = createSlotSwitch({ shelf, verify, logger, retryMs, onSettled: () => stock() });
  const stock = createStock({
    shelf,
    logger,
    wanted: () => (switched.isSettled() ? versionsAhead(state, switched.slots) : null),
  });
  const loop = createLoop(pollMs, async () => {
    try {
      state = await read();
      if (database.up !== true) logger.info("the database answers");
      database = { up: true, since: database.up === true ? database.since : new Date().toISOString(), error: null };
      models = new Map(state.models.map((model) => [model.name, model]));
      for (const row of state.slots) switched.obey(row);
      stock();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (database.up !== false)
        logger.error(
          { err: error },
          "the database is away: predictions are refused until it is back, because they could not be logged",
        );
      database = { up: false, since: database.up === false ? database.since : new Date().toISOString(), error: message };
    }
  });
  return {
    refresh: loop.now,
    settled: switched.settled,
    slots: () => [...switched.slots.values()],
    slot: (model, environment) => switched.slots.get(slotKey({ model, environment })),
    model: (name) => models.get(name),
    database: () => database,
    stop: () => {
      loop.stop();
      switched.stop();
    },
  };
}

/** Runs one piece of work again and again, `pauseMs` after its end, or now; never twice at once. */
function createLoop(pauseMs: number, work: () => Promise<void>): { now(): Promise<void>; stop(): void } {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  function start(): Promise<void> {
    clearTimeout(timer);
    running = work().finally(() => {
      running = null;
      if (!stopped) timer = setTimeout(() => void start(), pauseMs);
    });
    return running;
  }
  return {
    now: () => {
      if (running === null) return start();
      // What is being read may be older than the reason for asking: once more, for all who ask meanwhile.
      next ??= running.then(() => {
        next = null;
        return stopped ? undefined : start();
      });
      return next;
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** What serves, what it may be rolled back to, and the candidates that wait for their approval, so that a promotion, too, is a switch and not a load. */
function versionsAhead(state: ServedModels, slots: ReadonlyMap<string, Slot>): Set<VersionId> {
  const serving = [...slots.values()].flatMap((slot) => (slot.serving === null ? [] : [slot.serving.version]));
  return new Set([...serving, ...state.slots.flatMap(({ recent }) => recent), ...state.candidates]);
}

/** Gives a function that brings the shelf to what is wanted. A version that cannot be loaded is tried again when the wanted ones change. */
function createStock(options: { shelf: VersionShelf; logger: Logger; wanted(): Set<VersionId> | null }): () => void {
  const { shelf, logger, wanted } = options;
  let kept = "";
  return () => {
    const versions = wanted();
    const key = versions === null ? kept : [...versions].toSorted().join(" ");
    if (versions === null || key === kept) return;
    kept = key;
    shelf.keepOnly(versions);
    for (const version of versions) {
      shelf
        .get(version)
        .catch((error: unknown) => logger.warn({ version, err: error }, `${version}, which may serve next, cannot be loaded`));
    }
  };
}
