import { link, rename, rm, writeFile } from "node:fs/promises";
import { z } from "zod";
import { readJson, type Home } from "../home.ts";
import { identityOf } from "./process-identity.ts";

const holderSchema = z.object({ pid: z.int().positive(), identity: z.string() });

/** Somebody runs this home already. */
export class HomeTakenError extends Error {
  constructor(home: Home, pid: number) {
    super(
      `Countersign runs already with ${home.folder} (process ${pid}). Use that one; or end it with "kill ${pid}"; or give this one a home of its own: COUNTERSIGN_HOME=<folder>.`,
    );
    this.name = "HomeTakenError";
  }
}

/**
 * One supervisor a home. The lock names a process and its start time, so that one left by a killed
 * supervisor is recognised and taken over, even when its number was given to another process.
 */
export async function takeLock(home: Home): Promise<() => Promise<void>> {
  const path = home.path("supervisor.json");
  const mine = `${path}.${process.pid}`;
  const stale = `${mine}.stale`;
  const identity = await identityOf(process.pid);
  await writeFile(mine, JSON.stringify({ pid: process.pid, identity }), { mode: 0o600 });
  try {
    for (;;) {
      // A link appears whole or not at all, and never over one that is there.
      const isTaken = await link(mine, path).then(
        () => true,
        () => false,
      );
      if (isTaken) return () => rm(path, { force: true });
      await refuseIfHeld(home, path);
      // Of two that find the same stale lock, one moves it away; the other finds none, or moves a
      // new one: then it puts that back and gives way.
      const isMoved = await rename(path, stale).then(
        () => true,
        () => false,
      );
      if (!isMoved) continue;
      await refuseIfHeld(home, stale).catch(async (error: unknown) => {
        await link(stale, path).catch(() => undefined);
        throw error;
      });
    }
  } finally {
    await rm(mine, { force: true });
    await rm(stale, { force: true });
  }
}

async function refuseIfHeld(home: Home, path: string): Promise<void> {
  const holder = holderSchema.safeParse(await readJson(path));
  if (!holder.success) return;
  const isAlive = (await identityOf(holder.data.pid)) === holder.data.identity;
  if (isAlive) throw new HomeTakenError(home, holder.data.pid);
}
