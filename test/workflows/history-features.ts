import { readdir, readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { defaultPayloadConverter } from "@temporalio/common";
import { historyFromJSON } from "@temporalio/common/lib/proto-utils.js";
import type { temporal } from "@temporalio/proto";
import { histories } from "./histories-folder.ts";

/** A history that earlier code left, as it lies in histories/. */
export interface Recorded {
  name: string;
  workflowId: string;
  history: IHistory;
}

type IHistory = temporal.api.history.v1.IHistory;
type Event = temporal.api.history.v1.IHistoryEvent;

export async function readRecorded(): Promise<Recorded[]> {
  const names = (await readdir(histories)).filter((name) => /\.json(\.gz)?$/.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(histories + name);
      const text = (name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
      // As recorded.ts wrote it.
      const { workflowId, history } = JSON.parse(text) as { workflowId: string; history: unknown };
      return { name, workflowId, history: historyFromJSON(history) };
    }),
  );
}

/** What a replay of this history can notice a change of: `activity lifecycle/rollBack`, `patch close-at-once`, … */
export function featuresOf(history: IHistory): Set<string> {
  const events = history.events ?? [];
  const type = events[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? "unknown";
  return new Set([`workflow ${type}`, ...events.flatMap((event) => featureOf(type, event))]);
}

function featureOf(type: string, event: Event): string[] {
  const activity = event.activityTaskScheduledEventAttributes?.activityType?.name;
  if (activity) return [`activity ${type}/${activity}`];
  const signal = event.workflowExecutionSignaledEventAttributes?.signalName;
  if (signal) return [`signal ${type}/${signal}`];
  const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.name;
  if (update) return [`update ${type}/${update}`];
  if (event.timerStartedEventAttributes) return [`timer ${type}/${timerName(event)}`];
  if (event.workflowExecutionContinuedAsNewEventAttributes) return [`continue-as-new ${type}`];
  if (event.workflowExecutionCancelRequestedEventAttributes) return [`cancel ${type}`];
  return markerOf(type, event);
}

function markerOf(type: string, event: Event): string[] {
  const marker = event.markerRecordedEventAttributes;
  if (!marker) return [];
  const [payload] = marker.details?.["patch-data"]?.payloads ?? marker.details?.["data"]?.payloads ?? [];
  const data = payload ? (JSON.parse(Buffer.from(payload.data ?? []).toString("utf8")) as Record<string, string>) : {};
  if (marker.markerName === "core_patch") return [`patch ${data["id"] ?? "?"}`];
  return marker.markerName === "core_local_activity" ? [`local activity ${type}/${data["activity_type"] ?? "?"}`] : [];
}

/** The first word of its summary: a timer of a gate is one of `remind`, `escalate`, `deadline`, `max-age`. */
function timerName(event: Event): string {
  const summary = event.userMetadata?.summary;
  const text = summary ? defaultPayloadConverter.fromPayload<string>(summary) : "";
  return text.split(/[\s,]/)[0] ?? "";
}
