import type { ReleaseView } from "./api-shapes.ts";
import { seconds, type Display } from "../display.ts";
import { stageLine } from "./progress.ts";

/** Shows a release's stages: those that ended as lines that stay, the others as lines that move. */
export function createReleaseProgress(id: string, display: Display) {
  const settled = new Map<string, string>();
  const announced = new Set<string>();
  let latest: ReleaseView | null = null;
  let pause: { words: string; since: number } | null = null;
  let before = "";

  // A terminal that does not know its width says 0.
  const columns = () => process.stdout.columns || 80;

  display.live((spinner) => {
    if (latest === null) return [];
    const now = Date.now();
    const open = latest.stages.filter((stage) => stage.state === "pending" || stage.state === "running");
    const lines =
      latest.state === "ended" ? [] : open.map((stage) => stageLine(stage, { now, spinner, colour: true, columns: columns() }));
    if (pause !== null) lines.push(`${spinner} ${pause.words} (${seconds(now - pause.since)})`);
    return lines;
  });

  return {
    /** Takes the newest view; true when something moved since the last one. */
    show(release: ReleaseView): boolean {
      if (latest === null)
        display.line(`release ${id}: ${release.state}${release.waitsFor == null ? "" : `, ${release.waitsFor}`}`);
      latest = release;
      if (release.state === "running" || release.state === "queued") pause = null;
      for (const stage of release.stages) {
        const key = `${stage.state} ${stage.startedAt ?? ""}`;
        const isSettled = stage.state === "done" || stage.state === "failed" || stage.state === "skipped";
        if (isSettled && settled.get(stage.stage) !== key) {
          settled.set(stage.stage, key);
          display.line(stageLine(stage, { now: Date.now(), colour: display.isTerminal }));
        }
        // Without a terminal nothing moves, so the beginning of a stage is a line too.
        const begun = `${stage.stage} ${stage.startedAt ?? ""} ${stage.attempts ?? 1}`;
        if (!display.isTerminal && stage.state === "running" && !announced.has(begun)) {
          announced.add(begun);
          display.line(stageLine(stage, { now: Date.now(), colour: false }));
        }
      }
      const state = JSON.stringify([release.state, release.stages]);
      const hasMoved = state !== before;
      before = state;
      return hasMoved;
    },
    /** Says what is waited for, until the release moves again. */
    pause(words: string): void {
      if (pause?.words !== words) pause = { words, since: Date.now() };
    },
    close(): void {
      display.live(null);
    },
  };
}
