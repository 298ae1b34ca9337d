import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/** Marks a test's processes: the number of seconds that a `sleep` is given. */
export function newMarker(): number {
  return 800_000 + Math.floor(Math.random() * 100_000);
}

/** Running processes with the marker among their arguments; `ps` itself has none. */
export function processesWith(marker: number | string): string[] {
  const text = execFileSync("ps", ["-axo", "pid=,args="], { encoding: "utf8" });
  return text.split("\n").filter((line) => line.includes(String(marker)));
}

export async function until(condition: () => boolean, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Not so after ${limitMs} ms: ${condition.toString()}`);
    await sleep(20);
  }
}
