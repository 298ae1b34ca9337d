import type { Time, TimeOrNull } from "./columns.ts";

export interface WatchJobsTable {
  job: string;
  looked_at: Time;
  succeeded_at: TimeOrNull;
  fault: string | null;
  every_seconds: number | null;
}
