import { styleText } from "node:util";
import type { StageView } from "./api-shapes.ts";
import { seconds } from "../display.ts";

const nameWidth = 10;
const timeWidth = 9;

const marks = { done: "✓", failed: "✗", skipped: "–", running: "", pending: "·" } as const;
const colours = {
  done: "green",
  failed: "red",
  skipped: "yellow",
  running: "cyan",
  pending: "gray",
} as const;

/** How long a stage took, or has been running at `now`; empty when it has not begun. */
export function stageTime(stage: StageView, now: number): string {
  if (stage.startedAt == null) return "";
  const end = stage.endedAt == null ? now : Date.parse(stage.endedAt);
  return seconds(Math.max(0, end - Date.parse(stage.startedAt)));
}

/** One stage as a line: mark, name, time, and its sentence, cut to `columns`. */
export function stageLine(
  stage: StageView,
  options: { now: number; spinner?: string; colour: boolean; columns?: number },
): string {
  const mark = stage.state === "running" ? (options.spinner ?? "…") : marks[stage.state];
  const again = (stage.attempts ?? 1) > 1 && stage.state === "running" ? `attempt ${stage.attempts}` : "";
  const words = stage.summary ?? again;
  const text = `${stage.stage.padEnd(nameWidth)} ${stageTime(stage, options.now).padStart(timeWidth)}  ${words}`.trimEnd();
  const room = (options.columns ?? Number.POSITIVE_INFINITY) - 4;
  const cut = text.length > room ? `${text.slice(0, Math.max(0, room - 1))}…` : text;
  const colour = colours[stage.state];
  return options.colour
    ? `  ${styleText(colour, mark)} ${stage.state === "pending" ? styleText("gray", cut) : cut}`
    : `  ${mark} ${cut}`;
}
