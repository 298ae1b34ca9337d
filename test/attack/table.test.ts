import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createNotifyActivities } from "../../activities/notify/notify-activities.ts";
import { createRecordActivities } from "../../activities/record/record-activities.ts";
import { createRetentionActivities } from "../../activities/retention/retention-activities.ts";
import { createStageActivities } from "../../activities/stage-activities.ts";
import { createTrainActivities } from "../../activities/train-activities.ts";
import { testSealer } from "../world/sealer.ts";
import { securityRows } from "./table.ts";

const workflows = new URL("../../workflows/", import.meta.url);
const sources = readdirSync(workflows)
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(new URL(name, workflows), "utf8"))
  .join("\n");
const named = (pattern: RegExp) =>
  [...new Set([...sources.matchAll(pattern)].flatMap(([, names = ""]) => names.split(", ")))].sort();
const rows = securityRows();
const inTable = (table: string) =>
  rows
    .filter((row) => row.table === table)
    .map(({ name }) => name)
    .sort();

test("every activity has its row", () => {
  // Only the names are asked for: nothing is called, so nothing of these is used.
  const none = {} as never;
  const activities = [
    createRecordActivities(none),
    createStageActivities({ db: none, store: none, sealer: testSealer, sources: { dataRoot: none } }),
    createTrainActivities(none),
    createNotifyActivities(none),
    createRetentionActivities(none),
  ].flatMap((one) => Object.keys(one));
  expect(activities.length).toBeGreaterThan(50);
  expect(inTable("activity")).toEqual(activities.sort());
});

test("every workflow, update and signal has its row", () => {
  expect(inTable("workflow")).toEqual(named(/^export \{ ([\w, ]+) \}/gm));
  expect(inTable("update or signal")).toEqual(named(/define(?:Update|Signal)(?:<[^(]*>)?\(\s*"([\w-]+)"/g));
});

test("every row says what is gained, and what stops a forger where nothing is", () => {
  for (const { name, gains, stops } of rows) {
    expect(gains, name).not.toBe("");
    if (gains === "nothing") expect(stops, name).not.toBe("");
  }
});
