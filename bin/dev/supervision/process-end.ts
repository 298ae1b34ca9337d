import { setTimeout as sleep } from "node:timers/promises";
import { identityOf } from "./process-identity.ts";

const lookEveryMs = 50;

/** Sends a signal to a process or, with a negative number, to its group; false when there is none. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** Waits until that very process is gone; false when it is still there after `withinMs`. */
export async function isGoneWithin(pid: number, identity: string, withinMs: number): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; ; await sleep(lookEveryMs)) {
    if ((await identityOf(pid)) !== identity) return true;
    if (Date.now() > deadline) return false;
  }
}

/**
 * Ends a process that is not our child: first politely, then with its whole group. Does nothing
 * when the number belongs to another process by now.
 */
export async function endProcess(options: {
  pid: number;
  identity: string;
  politely: NodeJS.Signals;
  withinMs: number;
}): Promise<void> {
  const { pid, identity, politely, withinMs } = options;
  if ((await identityOf(pid)) !== identity) return;
  signal(pid, politely);
  if (!(await isGoneWithin(pid, identity, withinMs))) {
    signal(-pid, "SIGKILL");
    signal(pid, "SIGKILL");
    await isGoneWithin(pid, identity, withinMs);
  }
}
