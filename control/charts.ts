import { CountersignError } from "../domain/errors.ts";
import type { GateId } from "../domain/ids.ts";
import type { Caller } from "./caller.ts";
import type { ControlContext } from "./deps.ts";
import { readGate } from "./gates.ts";

export interface ChartFile {
  type: "image/svg+xml" | "image/png";
  /** By which it may be kept for good. */
  digest: string;
  bytes: Uint8Array;
}

/** A chart of a gate's evidence, as it was drawn when the candidate was evaluated: `calibration.svg`. Throws `not-found`. */
export async function readGateChart(
  context: ControlContext,
  caller: Caller,
  { gate, chart }: { gate: GateId; chart: string },
): Promise<ChartFile> {
  const { request } = await readGate(context, caller, gate);
  const [, name, format] = /^([a-z-]{1,40})\.(svg|png)$/.exec(chart) ?? [];
  const drawn = request.evidence.evaluationBody?.charts?.find((one) => one.name === name);
  const digest = format === "png" ? drawn?.png : drawn?.svg;
  if (digest === undefined || digest === null)
    throw new CountersignError("not-found", `The evidence of ${gate} has no chart ${chart}.`);
  return { type: format === "png" ? "image/png" : "image/svg+xml", digest, bytes: await context.store.get(digest) };
}
