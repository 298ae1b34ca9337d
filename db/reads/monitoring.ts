import { sql } from "kysely";
import type { ModelName } from "../../domain/ids.ts";
import type { Db } from "../database.ts";
import type { Row } from "../schema.ts";

export interface MonitoringRows {
  enrolments: Row<"enrolments">[];
  windows: Row<"monitor_windows">[];
  volume: { environment: string; lastHour: number; lastDay: number; total: number }[];
}

/** What monitoring knows of a model; the newest `windows` looks. */
export async function readMonitoring(db: Db, model: ModelName, windows: number): Promise<MonitoringRows> {
  const [enrolments, looks, volume] = await Promise.all([
    db.selectFrom("enrolments").selectAll().where("model", "=", model).orderBy("environment").execute(),
    db.selectFrom("monitor_windows").selectAll().where("model", "=", model).orderBy("to_at", "desc").limit(windows).execute(),
    sql<MonitoringRows["volume"][number]>`
      select environment, count(*) filter (where at > now() - interval '1 hour')::int as "lastHour",
        count(*) filter (where at > now() - interval '1 day')::int as "lastDay", count(*)::int as total
      from predictions where model = ${model} group by environment order by environment`.execute(db),
  ]);
  return { enrolments, windows: looks, volume: volume.rows };
}
