import { createLogUpdate } from "log-update";
import { styleText } from "node:util";

/** Where the supervisor and the main job tell what goes on. */
export interface Display {
  /** A line that stays. */
  line(text: string): void;
  /** Lines below all others, drawn again and again, for what is under way; nothing without a terminal. */
  live(draw: ((spinner: string) => string[]) | null): void;
  /** Runs `work` and tells how long it took; a step that fails is told as such. */
  step<Result>(title: string, work: () => Promise<Result>): Promise<Result>;
  isTerminal: boolean;
  /** Leaves the terminal as it was. */
  close(): void;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const redrawEveryMs = 100;
/** Without a terminal nothing moves, so a step that takes longer says that it has begun. */
const announceAfterMs = 3_000;

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Moving lines on a terminal (log-update keeps them below the rest), plain ones elsewhere. */
export function createDisplay(stream: NodeJS.WriteStream): Display {
  const isTerminal = stream.isTTY === true && process.env["TERM"] !== "dumb" && !process.env["CI"];
  const update = isTerminal ? createLogUpdate(stream) : null;
  let draw: ((spinner: string) => string[]) | null = null;
  let frame = 0;

  const redraw = () => {
    if (update === null || draw === null) return;
    frame = (frame + 1) % frames.length;
    update(draw(frames[frame] ?? "").join("\n"));
  };
  const timer = isTerminal ? setInterval(redraw, redrawEveryMs) : undefined;

  // A terminal that was closed takes no more text; the end goes on without it.
  stream.on("error", () => undefined);

  const display: Display = {
    isTerminal,
    line(text) {
      update?.clear();
      stream.write(`${text}\n`);
      redraw();
    },
    live(next) {
      if (next === null) update?.clear();
      draw = next;
      redraw();
    },
    async step(title, work) {
      const startedAt = performance.now();
      const took = () => seconds(performance.now() - startedAt);
      display.live((spinner) => [`${spinner} ${title} ${took()}`]);
      const announce = isTerminal ? undefined : setTimeout(() => display.line(`… ${title}`), announceAfterMs);
      try {
        const result = await work();
        display.live(null);
        display.line(`${display.isTerminal ? styleText("green", "✓") : "✓"} ${title} ${took()}`);
        return result;
      } catch (error) {
        display.live(null);
        display.line(`${display.isTerminal ? styleText("red", "✗") : "✗"} ${title} ${took()}`);
        throw error;
      } finally {
        clearTimeout(announce);
      }
    },
    close() {
      clearInterval(timer);
      update?.clear();
      update?.done();
      draw = null;
    },
  };
  return display;
}
