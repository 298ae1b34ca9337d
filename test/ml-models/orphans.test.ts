import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findIsolation } from "../../ml/trainers/isolation.ts";
import { endOrphans } from "../../ml/trainers/job-records.ts";
import { newMarker, processesWith, until } from "./running-processes.ts";

let directory: string;
let jobsDirectory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "countersign-orphans-"));
  jobsDirectory = join(directory, "jobs");
});
afterEach(() => rm(directory, { recursive: true }));

async function startDoomedWorker(marker: number) {
  const trainData = join(directory, "train.parquet");
  writeFileSync(trainData, "");
  const script = fileURLToPath(new URL("./trainers/doomed-worker.ts", import.meta.url));
  const worker = spawn(process.execPath, [script, jobsDirectory, trainData, String(marker)]);
  await until(() => processesWith(marker).filter((line) => line.includes("sleep")).length === 2);
  return worker;
}

test("a trainer dies with its worker when that is killed, and the next attempt clears away its folder", async () => {
  const marker = newMarker();
  const worker = await startDoomedWorker(marker);
  worker.kill("SIGKILL");
  await once(worker, "exit");
  // Where the kernel cannot be asked to end it, the next attempt does.
  if ((await findIsolation()).way !== null) await until(() => processesWith(marker).length === 0);
  expect(readdirSync(jobsDirectory).length).toBe(2);
  await endOrphans(jobsDirectory, "flight-delays.7");
  expect(processesWith(marker)).toEqual([]);
  expect(readdirSync(jobsDirectory)).toEqual([]);
});

test("an attempt that timed out under a living worker is ended by the next attempt, and by no other release", async () => {
  const marker = newMarker();
  const worker = await startDoomedWorker(marker);
  expect(await endOrphans(jobsDirectory, "flight-delays.8")).toBe(0);
  expect(processesWith(marker).length).toBeGreaterThanOrEqual(2);
  expect(await endOrphans(jobsDirectory, "flight-delays.7")).toBe(1);
  expect(processesWith(marker).filter((line) => line.includes("sleep"))).toEqual([]);
  worker.kill("SIGKILL");
});

/** A group that outlived its worker: two processes and a record by a process that is gone. */
async function startSurvivor(marker: number): Promise<number> {
  const { pid } = spawn("sh", ["-c", `sleep ${marker} & sleep ${marker}; true`], { detached: true, stdio: "ignore" });
  const module = new URL("../../ml/trainers/job-records.ts", import.meta.url).href;
  execFileSync("mkdir", ["-p", jobsDirectory]);
  const record = { jobsDirectory, job: "m.1~x", release: "m.1", pid };
  const script = `import { recordJob } from "${module}"; recordJob(${JSON.stringify(record)});`;
  execFileSync(process.execPath, ["--input-type=module", "-e", script]);
  await until(() => processesWith(marker).filter((line) => / sleep \d+$/.test(line)).length === 2);
  return pid!;
}

test("a group that outlived its worker is ended by whichever attempt comes next", async () => {
  const marker = newMarker();
  await startSurvivor(marker);
  expect(await endOrphans(jobsDirectory, "other.1")).toBe(1);
  expect(processesWith(marker)).toEqual([]);
  expect(readdirSync(jobsDirectory)).toEqual([]);
});

test("a process to which the number was given again is left alone", async () => {
  const marker = newMarker();
  const pid = await startSurvivor(marker);
  const file = join(jobsDirectory, "m.1~x.job");
  const record = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...record, started: "another boot/1" }));
  expect(await endOrphans(jobsDirectory, "m.1")).toBe(0);
  expect(processesWith(marker).length).toBeGreaterThanOrEqual(2);
  process.kill(-pid, "SIGKILL");
});
