import type { ArtifactStore } from "../artifacts/artifact-store.ts";
import type { Db } from "../db/database.ts";
import { noteLook } from "../db/watch-jobs.ts";
import { enrol, readWatchedSlots, type WatchedSlot } from "../db/enrolments.ts";
import type { SlowJob } from "../domain/watch.ts";
import { CountersignError } from "../domain/errors.ts";
import type { MonitorWindow } from "../domain/evidence.ts";
import type { ModelName } from "../domain/ids.ts";
import type { StageTools } from "../ml/stage-tools.ts";
import { lookAt } from "./prediction-watch.ts";
import { runStage } from "./stage-run.ts";
import { answerDrift } from "./watch/drift-finding.ts";

type Deps = { db: Db; store: ArtifactStore };
type Looked = { looked: number; drifting: ModelName[] };

/** The sweep's look at every enrolled slot, one after the other. `drifting` are those whose window was concluded just now as drift. */
export function createLookAtPredictions(deps: Deps): () => Promise<Looked> {
  const look = runStage((_: undefined, tools) => lookAtAll(deps, tools));
  const note = (fault: string | null) => noteLook(deps.db, { job: "lookAtPredictions" satisfies SlowJob, fault });
  return async () => {
    try {
      const looked = await look(undefined);
      await note(null);
      return looked;
    } catch (error) {
      await note(error instanceof Error ? error.message : String(error)).catch(() => undefined);
      throw error;
    }
  };
}

/** A slot that cannot be looked at does not keep the others from it; it is told when all were tried. */
export async function lookAtAll(deps: Deps, tools: StageTools): Promise<Looked> {
  const drifting = new Set<ModelName>();
  const failures: { model: ModelName; error: unknown }[] = [];
  let looked = 0;
  for (const slot of await readWatchedSlots(deps.db)) {
    tools.signal.throwIfAborted();
    tools.progress(`looks at ${slot.model} in ${slot.environment}`);
    try {
      const window = await lookAtSlot(deps, slot, tools);
      if (window === null) continue;
      looked += 1;
      if (window.verdict === "drift") drifting.add(slot.model);
    } catch (error) {
      tools.signal.throwIfAborted();
      failures.push({ model: slot.model, error });
    }
  }
  const [first] = failures;
  if (first !== undefined) {
    const told = failures
      .map(({ model, error }) => `${model}: ${error instanceof Error ? error.message : String(error)}`)
      .join(" ");
    throw new CountersignError(
      first.error instanceof CountersignError ? first.error.code : "transient",
      `Some predictions could not be looked at. ${told}`,
      { cause: first.error },
    );
  }
  return { looked, drifting: [...drifting] };
}

/** The watch follows the slot: after a rollback it is the old version, with the profile that its own release kept. */
async function lookAtSlot(deps: Deps, slot: WatchedSlot, tools: StageTools): Promise<MonitorWindow | null> {
  const { model, environment, champion, enrolled, profile } = slot;
  if (champion === null || profile === null) return null;
  const enrolment = { model, environment, version: champion, profile };
  if (champion !== enrolled) await enrol(deps.db, enrolment, `it serves again instead of ${enrolled}`);
  const window = await lookAt(deps, enrolment, tools);
  if (window?.verdict === "drift") await answerDrift(deps.db, { ...enrolment, window });
  return window;
}
