import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import onnxProto from "onnx-proto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endDeadReproductions } from "../../activities/watch/dead-reproductions.ts";
import type { ReproductionAskedView, ReproductionView, VersionView } from "../../domain/http/model-views.ts";
import { workflowIds } from "../../domain/ids.ts";
import type { TrainDefinition } from "../../domain/train-schema.ts";
import { registryOf } from "../people/stage-free.ts";
import { historyOf } from "../workflows/recorded.ts";
import { apply, requestRelease, smallModel, untilState } from "../world/models.ts";
import { until } from "../world/until.ts";
import { createWorld, type World } from "../world/world.ts";

let world: World;
/** Below the working directory, which is the trainers' root of these tests. */
let folder: string;
/** What the operator shows trainers, and what changes between two trainings. */
let outside: string;
beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), "countersign-mood-"));
  await chmod(outside, 0o755);
  world = await createWorld({ trainersSee: [outside, dirname(process.execPath)] });
  folder = await mkdtemp("node_modules/.cache/trainers-");
});
afterAll(async () => {
  await world?.stop();
  for (const made of [folder, outside]) await rm(made, { recursive: true, force: true });
});

/** A release at the lowest tier, where nobody is asked, trained as `train` says. */
async function promoted(model: string, train: Partial<TrainDefinition>): Promise<string> {
  const definition = await smallModel(model, "low", (one) => {
    one.train = { ...one.train, ...train };
    one.evaluate.thresholds = { auc: { pass: 0.5, fail: 0.4 } };
  });
  await apply(world, definition);
  const release = await untilState(world, await requestRelease(world, model), ["ended", "blocked"], 150_000);
  expect(release).toMatchObject({ outcome: "promoted", blocked: null });
  return release.id;
}

function ask(version: string, as = "ada") {
  return world.as(as).post<ReproductionAskedView>(`/api/versions/${version}/reproductions`, {});
}

async function versionOf(id: string): Promise<VersionView> {
  return (await world.as("ada").get<VersionView>(`/api/versions/${id}`)).body;
}

async function ended(version: string, id: string): Promise<ReproductionView> {
  return until(
    `the end of ${id}`,
    async () => (await versionOf(version)).reproductions.find((one) => one.id === id && !["running", "lost"].includes(one.state)),
    60_000,
  );
}

async function reproduced(version: string): Promise<ReproductionView> {
  const asked = await ask(version);
  expect(asked.status).toBe(202);
  return ended(version, asked.body.reproduction);
}

test("what a search chose is trained a second time and gives the same bytes, and nothing but the record changes", async () => {
  const version = await promoted("once-more", {
    search: { space: { l2: { from: 0.01, to: 1000, log: true } }, trials: 2, parallel: 2 },
    validation: { share: 0.2, by: "random" },
  });
  const before = await versionOf(version);
  const slots = await world.db.selectFrom("slots").selectAll().execute();
  const found = await reproduced(version);
  expect(found).toMatchObject({ state: "same", requestedBy: "ada", digest: before.digests.model, fault: null });
  expect(found).toMatchObject({ differs: [], effects: [] });
  await historyOf(world, workflowIds.reproduction(found.id), "reproduction-same");
  const { reproductions, ...after } = await versionOf(version);
  expect({ ...after, reproductions: [] }).toEqual(before);
  expect(reproductions).toEqual([found]);
  expect(await world.db.selectFrom("slots").selectAll().execute()).toEqual(slots);
  const { body } = await world.as("olga").get<{ items: { kind: string; actor: string }[] }>(`/api/audit?subject=${version}`);
  expect(body.items.slice(-2)).toMatchObject([
    { kind: "reproduction.started", actor: "ada" },
    { kind: "version.reproduced", actor: "ada", data: { same: true, digest: before.digests.model } },
  ]);
}, 120_000);

test("who may not ask for a release may not ask for this, and a version that is not there cannot be trained", async () => {
  expect((await ask("once-more.1", "grace")).body).toMatchObject({ code: "not-found" });
  expect((await ask("once-more.9")).body).toMatchObject({ code: "not-found" });
  // Nor by a message that goes around the door.
  const registry = registryOf(world);
  const asGrace = registry.sign("grace", { kind: "reproduce", version: "once-more.1" });
  expect(await world.records.startReproduction(asGrace)).toMatchObject({ ok: false, code: "forbidden" });
  const forged = { ...registry.sign("ada", { kind: "reproduce", version: "once-more.1" }), signature: "x" };
  expect(await world.records.startReproduction(forged)).toMatchObject({ ok: false, code: "not-signed" });
}, 60_000);

/** Answers as the file says that its parameter names, which is no part of what is on record. */
const fickle = `import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
const { parameters } = JSON.parse(readFileSync("job.json", "utf8"));
const mood = readFileSync(parameters.mood, "utf8").trim();
if (mood === "hang") setInterval(() => undefined, 1000);
else if (mood === "fail") { console.error("not today"); process.exit(4); }
else {
  copyFileSync("trainer/" + mood + ".onnx", "model.onnx");
  writeFileSync("result.json", JSON.stringify({ environment: { mood } }));
}`;

/** A model of the same shape whose first weight is another one, and where the two differ first. */
function withAnotherWeight(bytes: Buffer): { bytes: Buffer; place: string } {
  const model = onnxProto.onnx.ModelProto.decode(bytes);
  const { node = [] } = model.graph ?? {};
  for (const [index, { opType, attribute }] of (node ?? []).entries())
    for (const { name, floats } of attribute ?? []) {
      if (!floats || floats.length < 2) continue;
      floats[0] = (floats[0] ?? 0) + 1.5;
      const place = `graph: node ${index + 1} of ${(node ?? []).length} (${opType}), attribute ${name}, entry 1 of ${floats.length}`;
      return { bytes: Buffer.from(onnxProto.onnx.ModelProto.encode(model).finish()), place };
    }
  throw new Error("The model holds no weights.");
}

test("where the bytes are others it says what differs: environment, files, the first place in the graph, and the effect", async () => {
  const given = await world.store.get((await versionOf("once-more.1")).digests.model);
  await writeFile(join(folder, "sunny.onnx"), given);
  const changed = withAnotherWeight(given);
  await writeFile(join(folder, "gloomy.onnx"), changed.bytes);
  await writeFile(join(folder, "train.mjs"), fickle);
  const mood = join(outside, "mood.txt");
  const feel = (how: string) => writeFile(mood, how, { mode: 0o644 });
  await feel("sunny");
  const version = await promoted("fickle", {
    trainer: "command",
    command: [process.execPath, "trainer/train.mjs"],
    files: folder,
    parameters: { mood },
  });

  // The folder is no longer what it was: what is on record is trained with.
  await rm(join(folder, "train.mjs"));
  expect(await reproduced(version)).toMatchObject({ state: "same", differs: [] });

  await feel("gloomy");
  const other = await reproduced(version);
  await historyOf(world, workflowIds.reproduction(other.id), "reproduction-other");
  expect(other.state).toBe("other");
  const differs = new Map(other.differs.map(({ what, recorded, now }) => [what, { recorded, now }]));
  expect(differs.get("environment mood")).toEqual({ recorded: "sunny", now: "gloomy" });
  expect(differs.get("digest")?.now).toBe(other.digest);
  expect([...differs.keys()]).toEqual(expect.arrayContaining(["file model.onnx", changed.place]));
  expect([...differs.keys()].some((what) => what === "file job.json" || what === "file train.parquet")).toBe(false);
  const metrics = other.effects.map(({ metric }) => metric);
  expect(metrics).toEqual(["logLoss", "auc", "largest change of a prediction"]);
  expect(other.effects[0]?.now).not.toBe(other.effects[0]?.recorded);
  expect(other.effects[2]?.now).toBeGreaterThan(0.001);

  await feel("fail");
  const failed = await reproduced(version);
  await historyOf(world, workflowIds.reproduction(failed.id), "reproduction-failed");
  expect(failed).toMatchObject({
    state: "failed",
    digest: null,
    fault: { code: "trainer-failed", message: expect.stringMatching(/exit code 4/) },
  });

  // While one runs, whoever asks gets that one; one that dies in silence is told as failed, and another may begin.
  await feel("hang");
  const first = (await ask(version)).body.reproduction;
  expect((await ask(version, "olga")).body).toEqual({ reproduction: first, version });
  await world.client.workflow.getHandle(workflowIds.reproduction(first)).terminate("to see what comes of it");
  const { db, store, verifier, sealer } = registryOf(world);
  const searched = { db, client: world.client, olderThan: new Date(Date.now() + 60_000) };
  await endDeadReproductions({ db, store, verifier, sealer }, searched);
  expect(await ended(version, first)).toMatchObject({
    state: "failed",
    fault: { message: expect.stringMatching(/ended in silence/) },
  });
  await feel("sunny");
  expect(await reproduced(version)).toMatchObject({ state: "same" });
  await rm(outside, { recursive: true });
}, 240_000);

test("of a model that was trained elsewhere it says that nothing here can train it again", async () => {
  const version = await promoted("foreign", {
    trainer: "import",
    model: { file: join(folder, "sunny.onnx") },
    origin: { trainedBy: "the bank next door", framework: "their own" },
    parameters: {},
  });
  const { status, body } = await ask(version);
  expect({ status, body }).toMatchObject({
    status: 409,
    body: { code: "not-reproducible", detail: expect.stringMatching(/was trained elsewhere/) },
  });
  expect(await versionOf(version)).toMatchObject({ actions: [], reproductions: [] });
}, 120_000);
