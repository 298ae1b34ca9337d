import { readMonitoring } from "../db/reads/monitoring.ts";
import type { MonitoringView } from "../domain/http/model-views.ts";
import type { ModelName } from "../domain/ids.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { readModel } from "./models.ts";

const windowsShown = 50;

/** Throws `not-found`. */
export async function readModelMonitoring(context: ControlContext, caller: Caller, model: ModelName): Promise<MonitoringView> {
  const { definition, findings, links } = await readModel(context, caller, model);
  const { enrolments, windows, volume } = await readMonitoring(context.db, model, windowsShown);
  const { minimumRows, drift } = definition.monitor;
  return {
    model,
    thresholds: { minimumRows, ...drift },
    enrolments: enrolments.map((row) => ({
      environment: row.environment,
      version: row.version_id,
      profile: row.profile,
      since: row.enrolled_at.toISOString(),
    })),
    volume,
    windows: windows.map((row) => ({ ...row.body, environment: row.environment, version: row.version_id })),
    findings,
    links,
  };
}
