import type { ArtifactSweep } from "../../artifacts/artifact-sweep.ts";
import type { Db } from "../../db/database.ts";
import { forgetRecords } from "../../db/forget-records.ts";
import { isCollectedToday, noteRemoved, tellDays } from "../../db/retention-days.ts";
import { noteLook } from "../../db/watch-jobs.ts";
import type { KeepDays, Removed } from "../../domain/retention.ts";
import type { SlowJob } from "../../domain/watch.ts";
import type { StageTools } from "../../ml/stage-tools.ts";
import type { RetentionActivities } from "../contract.ts";
import { runStage } from "../stage-run.ts";
import { collectArtifacts } from "./collect-artifacts.ts";

export interface RetentionDeps {
  db: Db;
  sweep: ArtifactSweep;
  keep: KeepDays;
}

/** So long one round removes records; the next one, an hour later, goes on. */
const roundMs = 10 * 60_000;

/** What ages goes, and it is kept how much went. How each round ended is kept for health. */
export function createRetentionActivities({ db, sweep, keep }: RetentionDeps): RetentionActivities {
  const looked = (job: SlowJob, work: (tools: StageTools) => Promise<Removed>): (() => Promise<Removed>) => {
    const round = runStage((_: undefined, tools) => work(tools));
    return async () => {
      try {
        const removed = await round(undefined);
        await noteLook(db, { job, fault: null });
        return removed;
      } catch (error) {
        await noteLook(db, { job, fault: error instanceof Error ? error.message : String(error) }).catch(() => undefined);
        throw error;
      }
    };
  };
  return {
    forgetRecords: looked("forgetRecords", async ({ signal }) => {
      await tellDays(db);
      const removed = await forgetRecords(db, keep, { until: Date.now() + roundMs, signal });
      await noteRemoved(db, removed);
      return removed;
    }),
    collectArtifacts: looked("collectArtifacts", async (tools) => {
      if (await isCollectedToday(db)) return {};
      const removed = await collectArtifacts({ db, sweep }, keep.artifacts, tools);
      await noteRemoved(db, removed, { collected: true });
      return removed;
    }),
  };
}
