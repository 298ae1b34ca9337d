import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import type { Logger } from "pino";
import { verifyApproval } from "../approvals/approval.ts";
import type { CommandVerifier } from "../approvals/verify-command.ts";
import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import { createDatabase, type Db } from "../db/database.ts";
import { insertPredictions } from "../db/predictions.ts";
import { readToken } from "../db/reads/people.ts";
import { readableModels } from "../db/rights.ts";
import { readApprovedVersion, readProfileDigest, readServedModels, readVersionManifest } from "../db/serving-slots.ts";
import { listenToSlots } from "../db/slot-notices.ts";
import { CountersignError } from "../domain/errors.ts";
import type { ReferenceProfile } from "../domain/evidence.ts";
import type { VersionId } from "../domain/ids.ts";
import { readsEverything } from "../domain/principal.ts";
import { createServingApp } from "./app.ts";
import { createBearer, type Bearer } from "./bearer.ts";
import { loadVersion, type LoadedVersion } from "./loaded-version.ts";
import { createProfileKeeper } from "./profile-keeper.ts";
import { createPredictor, type PredictorTuning } from "./predictor.ts";
import { createSlotFollower } from "./slot-follower.ts";
import { createVersionShelf } from "./version-shelf.ts";

export interface ServingOptions {
  databaseUrl: string;
  store: ArtifactStore;
  /** Of control's signatures: an approval stands on them and on nothing that the database says alone. */
  verifier: CommandVerifier;
  host: string;
  /** 0: any free one. */
  port: number;
  logger: Logger;
  tuning?: Partial<PredictorTuning>;
  retryMs?: number;
}

export interface Serving {
  /** Where it answers, such as `http://127.0.0.1:4410`. */
  origin: string;
  /** Reads the slots now instead of at the next notice. */
  refresh(): Promise<void>;
  /** The versions in memory: those that serve and those that may serve next. */
  loaded(): VersionId[];
  /** Takes no more requests, answers those it has (5 s at most), then lets go of everything. */
  stop(): Promise<void>;
}

/** Less than the two seconds in which a caller is answered 503; the server's limit is the shorter, so that a slow statement ends there too. */
const logTimeouts = { connectionTimeoutMillis: 1_200, statement_timeout: 1_500, query_timeout: 1_700 };

/** Starts the prediction server. It listens once the slots were read and their champions are loaded or refused, or at once when the database is away. */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const { databaseUrl, store, logger } = options;
  // Two pools: the slots must be read however many predictions wait to be logged.
  const logDb = createDatabase({ url: databaseUrl, max: 4, timeouts: logTimeouts });
  const readDb = createDatabase({ url: databaseUrl, max: 2, timeouts: logTimeouts });
  const shelf = createVersionShelf(async (version) => loadVersion(store, await readVersionManifest(readDb, version)));
  const follower = createSlotFollower({
    read: () => readServedModels(readDb),
    shelf,
    verify: (served) => verifyServed(readDb, options.verifier, served),
    logger,
    ...(options.retryMs === undefined ? {} : { retryMs: options.retryMs }),
  });
  const profiles = createProfileKeeper({
    serving: () => follower.slots().flatMap(({ serving }) => (serving === null ? [] : [serving])),
    read: async (version) => {
      const digest = await readProfileDigest(readDb, version);
      return digest === null ? null : { digest, profile: await store.getJson<ReferenceProfile>(digest) };
    },
    logger,
  });
  const predictor = createPredictor({
    log: (batch) => logOrRefuse(logDb, batch),
    logger,
    ...(options.tuning === undefined ? {} : { tuning: options.tuning }),
  });
  const app = createServingApp({
    follower,
    predictor,
    bearerOf: createBearer((hash) => readBearer(readDb, hash)),
    logger,
  });
  await follower.refresh();
  await follower.settled();
  await profiles.look();
  const notices = listenToSlots({ url: databaseUrl, onNotice: () => void follower.refresh() });
  const { server, origin } = await listen(app.fetch, options);
  logger.info({ origin, slots: follower.slots().length }, `predictions are served at ${origin}`);
  return {
    origin,
    refresh: async () => {
      await follower.refresh();
      await profiles.look();
    },
    loaded: shelf.loaded,
    stop: async () => {
      follower.stop();
      profiles.stop();
      await closeServer(server);
      await predictor.drained();
      await notices.stop();
      await shelf.closeAll();
      await Promise.all([logDb.destroy(), readDb.destroy()]);
    },
  };
}

/** What is in memory must be what was approved, and not only what its row says now. */
async function verifyServed(
  db: Db,
  verifier: CommandVerifier,
  { version: { version: id, digest }, environment }: { version: LoadedVersion; environment: string },
): Promise<string | null> {
  const version = await readApprovedVersion(db, id);
  if (version.digest !== digest)
    throw new CountersignError("digest-mismatch", `The record of ${id} names other bytes than those that are loaded.`);
  return (await verifyApproval(db, verifier, { version, environment })).doubt;
}

async function readBearer(db: Db, hash: string): Promise<Bearer | null> {
  const token = await readToken(db, hash);
  // A session is for pages, whose changes are checked for where they come from.
  if (token?.kind !== "api") return null;
  const { principal, scopes } = token;
  if (readsEverything(principal)) return { principal, scopes, reads: () => true };
  const models = new Set(await readableModels(db, { principal: principal.id, groups: principal.groups }));
  return { principal, scopes, reads: (model) => models.has(model) };
}

/** What was not put on record is not answered, and the caller hears why. */
async function logOrRefuse(db: Db, batch: Parameters<typeof insertPredictions>[1]): Promise<void> {
  try {
    await insertPredictions(db, batch);
  } catch (error) {
    throw new CountersignError(
      "unavailable",
      "The predictions could not be put on record, so they are not given; ask again shortly.",
      { cause: error, extra: { retryAfterSeconds: 2 } },
    );
  }
}

function listen(
  fetch: Parameters<typeof serve>[0]["fetch"],
  { host, port }: ServingOptions,
): Promise<{ server: ServerType; origin: string }> {
  return new Promise((resolve, reject) => {
    const server = serve(
      {
        fetch,
        hostname: host,
        port,
        serverOptions: { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 60_000 },
      },
      (address: AddressInfo) => {
        const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
        resolve({ server, origin: `http://${name}:${address.port}` });
      },
    );
    server.once("error", reject);
  });
}

function closeServer(server: ServerType): Promise<void> {
  return new Promise((resolve) => {
    const impatient = setTimeout(() => "closeAllConnections" in server && server.closeAllConnections(), 5_000);
    server.close(() => {
      clearTimeout(impatient);
      resolve();
    });
    if ("closeIdleConnections" in server) server.closeIdleConnections();
  });
}
