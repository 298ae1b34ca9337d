import { afterAll, beforeAll, expect, test } from "vitest";
import { lookAtAll } from "../../activities/look-at-predictions.ts";
import { enrolVersion } from "../../activities/monitor.ts";
import { verifyAudit } from "../../db/audit.ts";
import { insertPredictions } from "../../db/predictions.ts";
import type { MonitorInput } from "../../activities/contract.ts";
import type { ReferenceProfile } from "../../domain/evidence.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { createTestDatabase, type TestDatabase } from "../setup/database.ts";
import { fixtureModel } from "./flights-artifacts.ts";
import { createFlightsFixture, type FlightsFixture } from "./flights-fixture.ts";

let database: TestDatabase;
let fixture: FlightsFixture;
let input: MonitorInput;
let probabilities: number[];
let logged = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  fixture = await createFlightsFixture({ url: database.url });
  await fixture.addVersion(1);
  await fixture.addVersion(2, { l2: 1_000 });
  await fixture.moveSlot("flight-delays.1");
  input = await inputOf("flight-delays.1");
  const { loadVersion } = await import("../../serving/loaded-version.ts");
  const { readVersionManifest } = await import("../../db/serving-slots.ts");
  const loaded = await loadVersion(fixture.store, await readVersionManifest(fixture.db, "flight-delays.1"));
  probabilities = [...(await loaded.score(fixture.rows)).values];
  await loaded.close();
});

afterAll(async () => {
  await fixture?.close();
  await database?.drop();
});

async function inputOf(version: string): Promise<MonitorInput> {
  const manifest = fixture.manifests.get(version);
  if (manifest === undefined) throw new Error(`The fixture has no ${version}.`);
  return {
    model: fixtureModel,
    release: version,
    definition: fixture.definitionDigest,
    parameters: {},
    version,
    environment: "production",
    train: fixture.trainData,
    holdout: fixture.trainData,
    spec: fixture.specDigest,
    onnx: manifest.onnx,
  };
}

/** Puts predictions on record as serving does, a minute ago or so, as if time had passed. */
async function predicted(options: {
  from: number;
  count: number;
  version?: string;
  change?: (row: Record<string, string | number>) => Record<string, string | number | null>;
}): Promise<void> {
  const { from, count, version = "flight-delays.1", change = (row) => row } = options;
  const ids: string[] = [];
  const predictions = fixture.rows.slice(from, from + count).map((row, index) => {
    const id = `prd_test${(logged += 1)}`;
    ids.push(id);
    return { id, key: null, request: change(row), probability: probabilities[from + index] ?? 0, label: "late" };
  });
  await insertPredictions(fixture.db, { model: fixtureModel, environment: "production", version, epoch: 1, predictions });
  await fixture.db
    .updateTable("predictions")
    .set({ at: new Date(Date.now() - 5_000) })
    .where("id", "in", ids)
    .execute();
}

/** Ends the present moment: the next window begins after it. */
async function ageAll(): Promise<void> {
  const { sql } = await import("kysely");
  await sql`update predictions set at = at - interval '1 minute'`.execute(fixture.db);
  await sql`update monitor_windows set from_at = from_at - interval '1 minute', to_at = to_at - interval '1 minute'`.execute(
    fixture.db,
  );
}

const look = () => lookAtAll({ db: fixture.db, store: fixture.store }, unwatched);
const kinds = async (kind: string) =>
  (await fixture.db.selectFrom("audit").select("body").where("kind", "=", kind).execute()).map(
    ({ body }) => JSON.parse(body) as { subject: string; data: Record<string, unknown> },
  );
const windows = () => fixture.db.selectFrom("monitor_windows").selectAll().orderBy("to_at").execute();

test("a version is enrolled with its reference, and says honestly that there are no predictions yet", async () => {
  const result = await enrolVersion({ db: fixture.db, store: fixture.store }, input, unwatched);
  expect(result.summary).toBe("Enrolled with a reference of 3,000 rows; no predictions yet in production.");
  const profile = await fixture.store.getJson<ReferenceProfile>(result.profile);
  expect(Object.keys(profile.columns).toSorted()).toEqual(fixture.spec.features.map(({ name }) => name).toSorted());
  expect(profile.columns["carrier"]).toMatchObject({ kind: "category", missing: 0 });
  expect(profile.score.shares).toHaveLength(10);
  expect(await fixture.db.selectFrom("enrolments").select(["version_id", "profile"]).execute()).toEqual([
    { version_id: "flight-delays.1", profile: result.profile },
  ]);
});

test("the same stage again enrols nothing twice", async () => {
  await enrolVersion({ db: fixture.db, store: fixture.store }, input, unwatched);
  expect(await kinds("monitor.enrolled")).toHaveLength(1);
  expect(await windows()).toEqual([]);
});

test("too few predictions give no verdict, and the window stays one open window", async () => {
  await predicted({ from: 0, count: 30 });
  expect(await look()).toEqual({ looked: 1, drifting: [] });
  await predicted({ from: 30, count: 10 });
  expect(await look()).toEqual({ looked: 1, drifting: [] });
  const [open, ...others] = await windows();
  expect(others).toEqual([]);
  expect(open).toMatchObject({ rows: 40, verdict: "too-few" });
  expect(await kinds("monitor.looked")).toHaveLength(1);
});

test("the traffic that the model was trained on is steady", async () => {
  await predicted({ from: 0, count: 1_000 });
  await ageAll();
  const { looked, drifting } = await look();
  expect({ looked, drifting }).toEqual({ looked: 1, drifting: [] });
  const [window] = await windows();
  expect(window).toMatchObject({ verdict: "steady", rows: 1_040 });
  expect(window?.body.columns.find(({ name }) => name === "distance")?.effect).toBeLessThan(0.1);
});

test("a look without new predictions leaves no trace", async () => {
  await ageAll();
  expect(await look()).toEqual({ looked: 0, drifting: [] });
  expect(await windows()).toHaveLength(1);
});

test("flights of one carrier that are twice as long, of planes that are unknown, are drift", async () => {
  await predicted({
    from: 0,
    count: 500,
    change: (row) => ({ ...row, carrier: "UA", distance: Number(row["distance"]) * 2, tailnum: null }),
  });
  expect(await look()).toEqual({ looked: 1, drifting: [fixtureModel] });
  const window = (await windows()).at(-1);
  expect(window).toMatchObject({ verdict: "drift", rows: 500, version_id: "flight-delays.1" });
  const columns = new Map(window?.body.columns.map((column) => [column.name, column]));
  expect(columns.get("carrier")).toMatchObject({ method: "jensen-shannon", verdict: "alert" });
  expect(columns.get("distance")).toMatchObject({ method: "psi", verdict: "alert" });
  expect(columns.get("seats")).toMatchObject({ missing: 1, verdict: "alert" });
  expect(columns.get("hour")?.verdict).toBe("steady");
  const told = (await kinds("monitor.looked")).at(-1);
  expect(told).toMatchObject({ subject: "flight-delays.1", data: { verdict: "drift", rows: 500 } });
});

test("after a rollback the version that serves again is watched against its own reference", async () => {
  const second = await enrolVersion({ db: fixture.db, store: fixture.store }, await inputOf("flight-delays.2"), unwatched);
  await fixture.db
    .insertInto("release_stages")
    .values([
      {
        release_id: "flight-delays.1",
        stage: "monitor",
        state: "done",
        attempts: 1,
        result: JSON.stringify(await enrolVersion({ db: fixture.db, store: fixture.store }, input, unwatched)),
      },
      { release_id: "flight-delays.2", stage: "monitor", state: "done", attempts: 1, result: JSON.stringify(second) },
    ])
    .execute();
  await enrolVersion({ db: fixture.db, store: fixture.store }, await inputOf("flight-delays.2"), unwatched);
  await ageAll();
  await predicted({ from: 0, count: 200 });
  expect(await look()).toEqual({ looked: 1, drifting: [] });
  expect(await fixture.db.selectFrom("enrolments").select("version_id").execute()).toEqual([{ version_id: "flight-delays.1" }]);
  expect((await kinds("monitor.enrolled")).at(-1)?.data["why"]).toBe("it serves again instead of flight-delays.2");
});

test("a slot that cannot be looked at is told, after the others were", async () => {
  const { chmod, writeFile, readFile } = await import("node:fs/promises");
  await ageAll();
  await predicted({ from: 0, count: 200 });
  const path = await fixture.store.pathOf(fixture.specDigest);
  const whole = await readFile(path);
  await chmod(path, 0o644);
  await writeFile(path, `${whole.toString("utf8")} `);
  await expect(look()).rejects.toMatchObject({
    code: "artifact-corrupt",
    message: expect.stringContaining("flight-delays: The bytes under"),
  });
  await writeFile(path, whole);
  expect(await look()).toEqual({ looked: 1, drifting: [] });
});

test("all of it stands in a chain that verifies", async () => {
  expect(await verifyAudit(fixture.db)).toMatchObject({ ok: true });
});
