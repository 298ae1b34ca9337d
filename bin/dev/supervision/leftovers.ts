import { rm } from "node:fs/promises";
import { join } from "node:path";
import { endProcess, signal } from "./process-end.ts";
import { commandLineOf, identityOf, processesMarked } from "./process-identity.ts";
import { readRecords, removeRecord } from "./process-records.ts";
import { readText, type Home } from "../home.ts";

/** PostgreSQL writes all it holds to the disk before it ends: seconds, after heavy writing. */
const defaultPolitelyWithinMs = 10_000;

/**
 * Ends what a killed supervisor left running, in the order in which it would have ended it, and
 * gives the names. Nothing is adopted: a process whose parent died has lost its supervision and
 * perhaps its output, and starting anew costs a second. No process is ended by its number alone.
 */
export async function endLeftovers(home: Home, politelyWithinMs = defaultPolitelyWithinMs): Promise<string[]> {
  const ended: string[] = [];
  for (const record of await readRecords(home)) {
    if ((await identityOf(record.pid)) === record.identity) {
      await endProcess({
        pid: record.pid,
        identity: record.identity,
        politely: record.stopSignal,
        withinMs: politelyWithinMs,
      });
      ended.push(record.name);
    }
    await removeRecord(home, record.name);
  }
  if (await endPostmaster(home)) ended.push("postgres");
  const strays = await processesMarked(`${home.instance}:`);
  for (const pid of strays) signal(pid, "SIGKILL");
  if (strays.length > 0) ended.push(`${strays.length} of their children`);
  return ended;
}

/**
 * The postmaster writes its number into its data folder. A record may be missing (the supervisor
 * was killed between the two); and after a restart of the machine the number can belong to
 * somebody else, for whom PostgreSQL would wait for ever: then the file is removed.
 */
async function endPostmaster(home: Home): Promise<boolean> {
  const file = join(home.postgres, "postmaster.pid");
  const text = await readText(file);
  if (text === null) return false;
  const [firstLine = "", dataFolder = ""] = text.split("\n");
  const pid = Number(firstLine);
  const identity = Number.isInteger(pid) && pid > 0 ? await identityOf(pid) : null;
  const isOurs = identity !== null && dataFolder !== "" && ((await commandLineOf(pid)) ?? "").includes(dataFolder);
  // SIGINT is PostgreSQL's fast shutdown: sessions are broken off, everything is written.
  if (isOurs) await endProcess({ pid, identity, politely: "SIGINT", withinMs: defaultPolitelyWithinMs });
  await rm(file, { force: true });
  return isOurs;
}
