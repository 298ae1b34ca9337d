import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadDefinitionFile } from "../../../cli/definition-file.ts";
import type { ResolvedDefinition } from "../../../domain/definition-schema.ts";
import type { LocalRoot } from "../../../files/local-root.ts";
import { ApiAwayError, createApiClient, type ApiClient } from "./api-client.ts";
import { appliedSchema, gateSchema, releaseListSchema, releaseSchema, requestedSchema, type ReleaseView } from "./api-shapes.ts";
import type { Display } from "../display.ts";
import type { Endpoints } from "../instance.ts";
import { tellBlocked, tellGate, tellPrediction, tellStuck, type Place } from "./instructions.ts";
import { createReleaseProgress } from "./release-progress.ts";

export type Until = "gate" | "served";

export interface MainJobOptions {
  endpoints: Endpoints;
  tokens: Record<string, string>;
  homeFolder: string;
  data: LocalRoot;
  root: string;
  until: Until | null;
  display: Display;
  signal: AbortSignal;
}

/** How a script's run ended: what it waited for came, or cannot come any more. */
export type MainJobEnd = { reached: true } | { reached: false; message: string };

const example = "flight-delays";
const pollEveryMs = 400;
/** No visible step for so long: time to say where to look. Training may well take that long. */
const stuckAfterMs = 120_000;

/**
 * The newcomer's first minutes, over the public API alone and as the engineer `ada`: registers the
 * example, requests its first release, follows it through gate and deployment, and asks it for a
 * prediction. On a later start it goes on from where the release stands.
 */
export async function runMainJob(options: MainJobOptions): Promise<MainJobEnd> {
  const { display } = options;
  const api = createApiClient(options.endpoints.api, options.tokens["ada"] ?? "");
  const definition = await register(api, options);
  let id = await findOrRequest(api, display);
  for (;;) {
    const release = await follow(api, { ...options, id });
    if (release === null) return { reached: options.until === null, message: "it was stopped" };
    if (release === "gate") return { reached: true };
    if (release.state === "blocked") return { reached: false, message: `release ${release.id} is blocked` };
    if (release.next !== null) {
      display.line(`  ${release.id} ended (${release.outcome}); its successor is ${release.next}`);
      id = release.next;
      continue;
    }
    if (release.outcome !== "promoted") return ended(release, options);
    await tellPrediction(api, {
      place: placeOf(options),
      definition,
      data: options.data,
      display,
    });
    return { reached: true };
  }
}

function ended(release: ReleaseView, { display }: MainJobOptions): MainJobEnd {
  display.line(`  ${release.id} ended: ${release.outcome}. Another one: npx countersign release ${example}`);
  return { reached: false, message: `release ${release.id} ended as ${release.outcome}` };
}

function placeOf({ endpoints, tokens, homeFolder }: MainJobOptions): Place {
  return { endpoints, tokens, homeFolder };
}

async function register(api: ApiClient, { display, root }: MainJobOptions): Promise<ResolvedDefinition> {
  return display.step(`model ${example} registered from examples/${example}/model.yaml`, async () => {
    const file = join(root, "examples", example, "model.yaml");
    const { definition, faults } = await loadDefinitionFile(file);
    if (definition === null)
      throw new Error(
        `${file} has faults:\n${faults.map((fault) => `  ${fault.file}:${fault.line ?? 1} ${fault.path} ${fault.message}`).join("\n")}`,
      );
    await api.send("PUT", `/api/models/${example}`, { body: definition, schema: appliedSchema });
    return definition;
  });
}

/** The model's newest release, or its first one. */
async function findOrRequest(api: ApiClient, display: Display): Promise<string> {
  const { items } = await api.get(`/api/releases?model=${example}&limit=1`, releaseListSchema);
  const [newest] = items;
  if (newest !== undefined) return newest.id;
  return display.step("first release requested", async () => {
    const { release } = await api.send("POST", `/api/models/${example}/releases`, {
      body: { reason: "The first release of the example." },
      schema: requestedSchema,
    });
    return release;
  });
}

/** Follows one release until it ends (or, for a script, as far as it can go); null when we are told to stop. */
async function follow(api: ApiClient, options: MainJobOptions & { id: string }): Promise<ReleaseView | "gate" | null> {
  const { display, id, until, signal } = options;
  const progress = createReleaseProgress(id, display);
  const told = new Set<string>();
  let changedAt = Date.now();
  try {
    while (!signal.aborted) {
      const release = await readRelease(api, { id, place: placeOf(options), display, told });
      if (release === null || progress.show(release)) changedAt = Date.now();
      if (release !== null) {
        const waiting = await atPause(api, { release, options, told, progress });
        if (waiting && until === "gate") return "gate";
        if (release.state === "blocked" && until !== null) return release;
        if (release.state === "ended") return until === "gate" && release.outcome === "promoted" ? "gate" : release;
        const isMoving = release.state === "queued" || release.state === "running";
        if (isMoving && Date.now() - changedAt > stuckAfterMs) {
          changedAt = Date.now();
          tellStuck(release, placeOf(options), display);
        }
      }
      await sleep(pollEveryMs, undefined, { signal }).catch(() => undefined);
    }
    return null;
  } finally {
    progress.close();
  }
}

/** Says once what a person can do at an open gate or with a blocked release; true at an open gate. */
async function atPause(
  api: ApiClient,
  {
    release,
    options,
    told,
    progress,
  }: {
    release: ReleaseView;
    options: MainJobOptions;
    told: Set<string>;
    progress: { pause(words: string): void };
  },
): Promise<boolean> {
  if (release.state === "blocked") {
    const key = `blocked ${release.stages.map((stage) => stage.attempts ?? 0).join()}`;
    if (!told.has(key)) tellBlocked(release, placeOf(options), options.display);
    told.add(key);
    progress.pause(release.waitsFor ?? "blocked: a person must say how it goes on");
    return false;
  }
  const open = release.gates.find((gate) => gate.state === "open");
  if (release.state !== "waiting" || open === undefined) return false;
  if (!told.has(open.id)) {
    const gate = await api.get(`/api/gates/${open.id}`, gateSchema);
    told.add(open.id);
    tellGate(gate, placeOf(options), options.display);
  }
  progress.pause(release.waitsFor ?? `${open.id} waits for a decision`);
  return true;
}

/** The release, or null while the server is away: that is said once, and followed by more patience. */
async function readRelease(
  api: ApiClient,
  { id, place, display, told }: { id: string; place: Place; display: Display; told: Set<string> },
): Promise<ReleaseView | null> {
  try {
    const release = await api.get(`/api/releases/${id}`, releaseSchema);
    told.delete("away");
    return release;
  } catch (error) {
    if (!(error instanceof ApiAwayError)) throw error;
    if (!told.has("away"))
      display.line(`! the server does not answer; waiting for it (log: ${join(place.homeFolder, "logs", "server.log")})`);
    told.add("away");
    return null;
  }
}
