import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TrainResult, VersionManifest } from "../../domain/stage-results.ts";
import type { TrainDefinition } from "../../domain/train-schema.ts";
import { apply, requestRelease, smallModel, untilState } from "../world/models.ts";
import { createWorld, type World } from "../world/world.ts";

let world: World;
/** Below the working directory, which is the trainers' root of these tests. */
let folder: string;
beforeAll(async () => {
  world = await createWorld({ trainersSee: [dirname(process.execPath)] });
  folder = await mkdtemp("node_modules/.cache/trainers-");
});
afterAll(async () => {
  await world?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A release at the lowest tier, where nobody is asked, trained as `train` says. */
async function releaseOf(model: string, train: Partial<TrainDefinition>) {
  const definition = await smallModel(model, "low", (one) => {
    one.train = { ...one.train, ...train };
    one.evaluate.thresholds = { auc: { pass: 0.5, fail: 0.4 } };
  });
  await apply(world, definition);
  const release = await requestRelease(world, model);
  return untilState(world, release, ["ended", "blocked"], 150_000);
}

async function trained(release: string): Promise<TrainResult> {
  const row = await world.db
    .selectFrom("release_stages")
    .select("result")
    .where("release_id", "=", release)
    .where("stage", "=", "train")
    .executeTakeFirstOrThrow();
  // What the train stage put there.
  return row.result as unknown as TrainResult;
}

async function manifestOf(release: string): Promise<VersionManifest> {
  const row = await world.db
    .selectFrom("versions")
    .select("manifest")
    .where("release_id", "=", release)
    .executeTakeFirstOrThrow();
  return row.manifest;
}

test("a search whose trials all fail blocks the release with the first cause", async () => {
  const release = await releaseOf("search-in-vain", {
    search: { space: { depth: [1, 2] }, trials: 3, parallel: 1 },
    trainer: "command",
    command: ["sh", "-c", "echo no such luck >&2; exit 3"],
    parameters: {},
  });
  expect(release.blocked).toMatchObject({ stage: "train", code: "trainer-failed" });
  expect(release.blocked?.message).toMatch(/All 3 trials of the search failed; the first: .*exit code 3/);
  const { body: log } = await world.as("ada").get<string>(`/api/releases/${release.id}/logs?stage=train`);
  expect(log).toContain("no such luck");
}, 300_000);

test("a command of one's own, and a model from elsewhere, go the way of any other", async () => {
  // Its time lets a few of the two hundred points be tried: the best so far is taken, and the stage says so.
  const search = { space: { l2: { from: 0.1, to: 100 } }, trials: 200, parallel: 1, minutes: 0.01 };
  const first = await releaseOf("made-here", { search });
  expect(first).toMatchObject({ state: "ended", outcome: "promoted", blocked: null });
  const found = await trained(first.id);
  expect(found.search?.planned).toBe(200);
  expect(found.search?.tried).toBeLessThan(100);
  expect(found.summary).toMatch(/trial \d+, the best by the search with logLoss 0\.\d+ .*\d+ of 200 trials: its time was over/);
  const bytes = await world.store.get((await manifestOf(first.id)).onnx);
  await writeFile(join(folder, "given.onnx"), bytes);
  await writeFile(
    join(folder, "train.mjs"),
    `import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
     const job = JSON.parse(readFileSync("job.json", "utf8"));
     console.log("learning from", job.features.length, "features as", job.task);
     copyFileSync("trainer/given.onnx", "model.onnx");
     writeFileSync("result.json", JSON.stringify({ environment: { mine: "1" }, summary: "Copied what was known." }));`,
  );
  const commanded = await releaseOf("by-command", {
    trainer: "command",
    command: [process.execPath, "trainer/train.mjs"],
    files: folder,
    parameters: {},
  });
  expect(commanded).toMatchObject({ state: "ended", outcome: "promoted", blocked: null });
  expect((await manifestOf(commanded.id)).trainer.environment).toMatchObject({
    mine: "1",
    "trainer files": expect.stringMatching(/^sha256:/),
  });
  expect((await trained(commanded.id)).baseline).toMatch(/^sha256:/);

  const imported = await releaseOf("from-elsewhere", {
    trainer: "import",
    model: { file: join(folder, "given.onnx") },
    origin: { trainedBy: "the bank next door", framework: "their own" },
    parameters: {},
  });
  expect(imported).toMatchObject({ state: "ended", outcome: "promoted", blocked: null });
  const stage = await trained(imported.id);
  expect(stage.origin).toEqual({ trainedBy: "the bank next door", framework: "their own" });
  expect(stage.summary).toMatch(/^Trained elsewhere by the bank next door with their own, as declared/);
  expect(stage.model).toBe((await manifestOf(first.id)).onnx);

  await cp(join(folder, "train.mjs"), join(folder, "broken.onnx"));
  const broken = await releaseOf("broken-elsewhere", {
    trainer: "import",
    model: { file: join(folder, "broken.onnx") },
    origin: { trainedBy: "nobody", framework: "none" },
    parameters: {},
  });
  expect(broken.blocked).toMatchObject({ stage: "train", code: "model-refused" });
}, 300_000);
