import { StringDecoder } from "node:string_decoder";

/** What is kept of a log: its end is where the cause of a failure stands. */
const keptBytes = 1 << 20;
const lineLength = 300;

/** Collects output in bounded memory and tells each line as it is completed. */
export function createLogTail(onLine?: (line: string) => void) {
  let chunks: Buffer[] = [];
  let held = 0;
  let total = 0;
  let line = "";
  const decoder = new StringDecoder("utf8");

  function add(chunk: Buffer): void {
    chunks.push(chunk);
    held += chunk.length;
    total += chunk.length;
    // Twice the size is let grow, so that cutting is rare.
    if (held > 2 * keptBytes) {
      chunks = [Buffer.concat(chunks).subarray(-keptBytes)];
      held = keptBytes;
    }
    if (onLine === undefined) return;
    const text = line + decoder.write(chunk);
    const end = text.lastIndexOf("\n");
    line = text.slice(end + 1).slice(-lineLength);
    // Of many lines at once only the last is news.
    const last = end < 0 ? "" : printable(text.slice(text.lastIndexOf("\n", end - 1) + 1, end));
    if (last !== "") onLine(last);
  }

  return {
    add,
    bytes: () => total,
    text: () => {
      const kept = Buffer.concat(chunks).subarray(-keptBytes).toString("utf8");
      return total > keptBytes ? `… ${total - keptBytes} bytes before this were left out.\n${kept}` : kept;
    },
  };
}

/** One line without control characters (a progress bar's carriage returns, colours), cut to a readable length. */
function printable(line: string): string {
  const shown = line.slice(line.lastIndexOf("\r", line.length - 2) + 1);
  return shown
    .replaceAll(/\p{Cc}\[[0-9;]*[A-Za-z]/gu, "")
    .replaceAll(/\p{Cc}/gu, "")
    .trim()
    .slice(0, lineLength);
}
