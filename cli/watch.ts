import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { GateView } from "../domain/http/gate-views.ts";
import type { ReleaseView } from "../domain/http/release-views.ts";
import type { ApiClient } from "./api-client.ts";
import { segment, wantsJson } from "./context.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { clock, paint, toneOf } from "./output.ts";
import { stageLine } from "./release-text.ts";

/** A stage takes seconds; asking twice a second shows it as it happens and costs one query. */
const lookEveryMs = 500;
/** A restart of the server does not end the watching. */
const outageMs = 30_000;

export interface Watching {
  api: ApiClient;
  command: Command;
  context: Context;
}

/** Prints what changes until the release ends; exit code 1 where it ended without a version in use. */
export async function watchRelease(id: string, { api, command, context }: Watching): Promise<void> {
  const told = new Set<string>();
  for (;;) {
    const release = await api.get<ReleaseView>(`/api/releases/${segment(id)}`, outageMs);
    const lines = wantsJson(command) ? [JSON.stringify(release)] : newsOf(release, context);
    for (const line of lines) if (!told.has(line)) context.output.out(line);
    for (const line of lines) told.add(line);
    if (release.state === "ended") {
      context.exit(release.outcome === "promoted" || release.outcome === "kept" ? exitCodes.ok : exitCodes.refused);
      return;
    }
    if (!(await pause(context))) return;
  }
}

/** Prints the gate when it changes, until it is closed. */
export async function watchGate(
  id: string,
  { api, command, context }: Watching,
  words: (gate: GateView) => string,
): Promise<void> {
  let last = "";
  for (;;) {
    const gate = await api.get<GateView>(`/api/gates/${segment(id)}`, outageMs);
    const text = wantsJson(command) ? JSON.stringify(gate) : words(gate);
    if (text !== last) context.output.out(last === "" ? text : `\n${text}`);
    last = text;
    if (gate.state === "closed") return;
    if (!(await pause(context))) return;
  }
}

/** All that there is to tell so far; the caller leaves out what was told before. */
function newsOf(release: ReleaseView, { output }: Context): string[] {
  const stages = release.stages
    .filter((stage) => stage.state !== "pending")
    .flatMap((stage) => {
      const [name = "", state = "", took = "", summary = ""] = stageLine(stage);
      const begun = `${name.padEnd(10)}running`;
      const ended = `${name.padEnd(10)}${paint(output, toneOf(state), state.padEnd(8))}${took.padEnd(10)}${summary}`;
      return stage.state === "running" ? [begun] : [ended];
    });
  const gates = release.gates.map((gate) =>
    gate.state === "closed"
      ? `Gate ${gate.id} is ${gate.resolution ?? "closed"}.`
      : `Gate ${gate.id} waits for a decision until ${clock(gate.deadline)}: countersign show ${gate.id}`,
  );
  const blocked =
    release.blocked === null
      ? []
      : [`${paint(output, "bad", `Blocked at ${release.blocked.stage}`)}: ${release.blocked.message} ${release.blocked.cure}`];
  const ended =
    release.state === "ended"
      ? [`${release.id} ended: ${paint(output, toneOf(release.outcome ?? ""), release.outcome ?? "")}.`]
      : [];
  return [...stages, ...gates, ...blocked, ...ended];
}

async function pause({ signal }: Context): Promise<boolean> {
  try {
    await sleep(lookEveryMs, undefined, { signal });
    return true;
  } catch {
    // Ctrl-C: the release goes on without a watcher.
    return false;
  }
}
