import { styleText } from "node:util";
import { faultInWords } from "../domain/definition-check.ts";
import type { ShownFault } from "./exit.ts";

/** Where the command writes; `colour` only when a person reads on a terminal. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
  colour: boolean;
}

/** The sequences that `paint` makes, and whatever else a terminal would obey or show in another order than it is written. */
const control =
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  /\u001b\[(?:1|2|22|31|32|33|39)m|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/**
 * An output through which no text of the API (a reason, a name, a trainer's log) can move the cursor, retitle the
 * window or hide what was said: what is not for reading is written as `\\u001b`, which is also how JSON writes it.
 */
export function printable(output: Output): Output {
  const clean = (text: string) =>
    text
      .replaceAll(/\r\n?/g, "\n")
      .replaceAll(control, (found) =>
        found.length > 1 && output.colour
          ? found
          : `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}${found.slice(1)}`,
      );
  return { colour: output.colour, out: (text) => output.out(clean(text)), err: (text) => output.err(clean(text)) };
}

type Tone = "good" | "bad" | "wait" | "dim" | "strong";
const styles = {
  good: "green",
  bad: "red",
  wait: "yellow",
  dim: "dim",
  strong: "bold",
} as const satisfies Record<Tone, string>;

export function paint(output: Pick<Output, "colour">, tone: Tone, text: string): string {
  return output.colour ? styleText(styles[tone], text, { validateStream: false }) : text;
}

/** The tone of a state or outcome, wherever one is shown. */
export function toneOf(state: string): Tone {
  if (["promoted", "approved", "done", "active", "pass", "kept", "ready"].includes(state)) return "good";
  if (["blocked", "failed", "rejected", "abandoned", "aborted", "fail", "expired"].includes(state)) return "bad";
  return ["running", "waiting", "open", "opening", "queued", "warn", "paused"].includes(state) ? "wait" : "dim";
}

/** Columns padded to their widest cell; the last is left ragged. `tones` colours a whole column by its text. */
export function table(
  output: Pick<Output, "colour">,
  rows: string[][],
  tones: { column: number; tone(text: string): Tone }[] = [],
): string {
  const widths: number[] = [];
  for (const row of rows) for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, index) => {
          const padded = index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0);
          const tone = tones.find((one) => one.column === index);
          return tone === undefined ? padded : paint(output, tone.tone(cell), padded);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `flights.yaml:12:5  features.sql is missing`, one a line, as editors and terminals can follow. */
export function faultLines(output: Pick<Output, "colour">, faults: ShownFault[], file?: string): string {
  return faults
    .map((fault) => {
      const place = [fault.file ?? file, fault.line, fault.column].filter((part) => part !== undefined).join(":");
      return `${place === "" ? "" : `${paint(output, "strong", place)}  `}${faultInWords(fault)}`;
    })
    .join("\n");
}

/** 2013-03-01 14:05 in the reader's own time zone. */
export function clock(time: string | null): string {
  if (time === null) return "–";
  const at = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
