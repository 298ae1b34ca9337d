import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { openHome, type Home } from "../../bin/dev/home.ts";
import { identityOf } from "../../bin/dev/supervision/process-identity.ts";

/** A folder that goes away with the test; other system users may get through it, as PostgreSQL must. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "countersign-bin-"));
  await chmod(folder, 0o711);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function temporaryHome(): Promise<Home> {
  return openHome(join(await temporaryFolder(), "home"));
}

/** Waits until `holds` is true; fails after 15 s, saying what was waited for. */
export async function eventually(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = Date.now() + 15_000; !(await holds()); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`not within 15 s: ${what}`);
  }
}

export async function isAlive(pid: number): Promise<boolean> {
  return (await identityOf(pid)) !== null;
}
