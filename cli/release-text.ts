import type { ReleaseView } from "../domain/http/release-views.ts";
import { durationInWords } from "../domain/wording.ts";
import { clock, paint, table, toneOf } from "./output.ts";
import type { Output } from "./output.ts";

type StageView = ReleaseView["stages"][number];

/** One line a stage: name, state, time taken, what it found. */
export function stageLine(stage: StageView): string[] {
  const took =
    stage.startedAt !== null && stage.endedAt !== null
      ? durationInWords(Date.parse(stage.endedAt) - Date.parse(stage.startedAt))
      : "";
  const attempts = stage.attempts > 1 ? ` (attempt ${stage.attempts})` : "";
  return [stage.stage, stage.state, took, `${stage.summary ?? ""}${attempts}`];
}

export function releaseInWords(output: Output, release: ReleaseView): string {
  const state = release.outcome ?? release.state;
  const lines = [
    `${paint(output, "strong", release.id)}  ${paint(output, toneOf(state), state)}${release.waitsFor === null ? "" : `  ${release.waitsFor}`}`,
    `Requested by ${release.requestedBy} (${release.trigger}), ${clock(release.createdAt)}: ${release.reason}`,
    ...(release.parent === null ? [] : [`After ${release.parent}, whose reviewers asked for changes.`]),
    ...(release.next === null ? [] : [`Continued by ${release.next}.`]),
    "",
    table(
      output,
      release.stages.map((stage) => stageLine(stage)),
      [{ column: 1, tone: toneOf }],
    ),
    ...blockedInWords(output, release),
    ...release.gates.map(
      (gate) =>
        `\nGate ${gate.id}: ${paint(output, toneOf(gate.resolution ?? gate.state), gate.resolution ?? gate.state)}${gate.state === "open" ? ` until ${clock(gate.deadline)}; countersign show ${gate.id}` : ""}`,
    ),
    "",
    `Console   ${release.links.console}`,
    ...(release.links.temporal === "" ? [] : [`Temporal  ${release.links.temporal}`]),
  ];
  return lines.join("\n");
}

function blockedInWords(output: Output, { id, blocked, actions }: ReleaseView): string[] {
  if (blocked === null) return [];
  const ways = actions.filter((action) => action === "retry" || action === "abandon" || (action === "skip" && blocked.skippable));
  return [
    "",
    `${paint(output, "bad", `Blocked at ${blocked.stage}`)} (${blocked.code}): ${blocked.message}`,
    ...blocked.faults.map((fault) => `  ${fault.path}: ${fault.message}`),
    blocked.cure,
    ...(blocked.logTail === null
      ? []
      : [
          "",
          ...blocked.logTail
            .trimEnd()
            .split("\n")
            .slice(-12)
            .map((line) => paint(output, "dim", `  │ ${line}`)),
        ]),
    ...(ways.length === 0 ? [] : ["", ...ways.map((way) => `  countersign unblock ${id} --${way} --reason "…"`)]),
  ];
}
