import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readJson, writePrivate, type Home } from "../home.ts";

const recordSchema = z.object({
  name: z.string(),
  pid: z.int().positive(),
  /** Of process-identity.ts: a process that took the number later has another. */
  identity: z.string(),
  stopSignal: z.enum(["SIGTERM", "SIGINT", "SIGQUIT"]),
  /** Counts up within an instance: what started last ends first. */
  order: z.int(),
});

/** What a start leaves for the next one, should this process be killed: who runs, and how it ends. */
export type ProcessRecord = z.output<typeof recordSchema>;

export async function writeRecord(home: Home, record: ProcessRecord): Promise<void> {
  await writePrivate(join(home.processes, `${record.name}.json`), JSON.stringify(record));
}

export async function removeRecord(home: Home, name: string): Promise<void> {
  await rm(join(home.processes, `${name}.json`), { force: true });
}

/** The records that were left, the one that was started last at first. */
export async function readRecords(home: Home): Promise<ProcessRecord[]> {
  const names = (await readdir(home.processes)).filter((name) => name.endsWith(".json"));
  const records = await Promise.all(
    names.map(async (name) => recordSchema.safeParse(await readJson(join(home.processes, name)))),
  );
  return records.flatMap((record) => (record.success ? [record.data] : [])).sort((a, b) => b.order - a.order);
}
