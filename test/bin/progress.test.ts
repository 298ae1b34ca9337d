import { PassThrough } from "node:stream";
import type { WriteStream } from "node:tty";
import { expect, test } from "vitest";
import type { StageView } from "../../bin/dev/example/api-shapes.ts";
import { createDisplay } from "../../bin/dev/display.ts";
import { stageLine, stageTime } from "../../bin/dev/example/progress.ts";

const now = Date.parse("2026-01-05T10:00:20.000Z");
const running: StageView = {
  stage: "train",
  state: "running",
  startedAt: "2026-01-05T10:00:00.000Z",
  endedAt: null,
  attempts: 2,
  summary: null,
};
const done: StageView = {
  stage: "ingest",
  state: "done",
  startedAt: "2026-01-05T10:00:00.000Z",
  endedAt: "2026-01-05T10:00:01.250Z",
  attempts: 1,
  summary: "80,789 rows of three months are frozen.",
};

/** A stream that is no terminal, and what was written to it. */
function pipe() {
  const stream = new PassThrough();
  // A display writes to it and asks whether it is a terminal; the rest of a terminal's stream it leaves alone.
  return { stream: stream as unknown as WriteStream, text: () => String(stream.read() ?? "") };
}

test("a stage's line says how it went, how long it took, and its sentence", () => {
  expect(stageLine(done, { now, colour: false })).toBe("  ✓ ingest         1.3 s  80,789 rows of three months are frozen.");
  expect(stageLine(running, { now, colour: false, spinner: "⠋" })).toBe("  ⠋ train         20.0 s  attempt 2");
  expect(stageLine({ stage: "deploy", state: "pending" }, { now, colour: false })).toBe("  · deploy");
  expect(stageTime(running, now)).toBe("20.0 s");
});

test("a line is cut to the terminal's width, so that it is drawn over whole", () => {
  const line = stageLine(done, { now, colour: false, columns: 40 });
  expect(line).toHaveLength(40);
  expect(line.endsWith("…")).toBe(true);
});

test("without a terminal there are plain lines, no colours and nothing that moves", async () => {
  const { stream, text } = pipe();
  const display = createDisplay(stream);
  display.live(() => ["moving"]);
  display.line("first");
  await display.step("a step", async () => undefined);
  display.close();
  expect(text()).toMatch(/^first\n✓ a step 0\.\d s\n$/);
});

test("a step that fails is told as failed, and its error goes on", async () => {
  const { stream, text } = pipe();
  const display = createDisplay(stream);
  await expect(display.step("a step", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  display.close();
  expect(text()).toMatch(/^✗ a step 0\.\d s\n$/);
});
