import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collectArtifacts } from "../../activities/retention/collect-artifacts.ts";
import { forgetTrainingFiles } from "../../activities/retention/forget-training-files.ts";
import { createArtifactStore } from "../../artifacts/artifact-store.ts";
import { placeOf } from "../../artifacts/artifact-place.ts";
import { createArtifactSweep } from "../../artifacts/artifact-sweep.ts";
import { forgetRecords } from "../../db/forget-records.ts";
import { readHeld, setHold } from "../../db/legal-holds.ts";
import { insertPredictions } from "../../db/predictions.ts";
import { isCollectedToday, noteRemoved, tellDays } from "../../db/retention-days.ts";
import { keptDays } from "../../domain/retention.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { auditKinds, createRegistry, exampleDefinition, type Registry } from "./registry.ts";

let registry: Registry;
beforeAll(async () => {
  registry = await createRegistry();
  for (const model of ["aging", "held"]) {
    const definition = await exampleDefinition({ model });
    const digest = await registry.store.putJson(definition);
    await registry.records.applyDefinition(registry.sign("ada", { kind: "apply-definition", model, definition: digest }));
  }
  await setHold(registry.db, { model: "held", held: true, why: "a court asks", by: "olga" });
});
afterAll(() => registry?.stop());

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
const forget = (batch = 100, until = Date.now() + 60_000) =>
  forgetRecords(registry.db, keptDays, { until, signal: new AbortController().signal, batch });

async function predicted(model: string, days: number[]): Promise<string[]> {
  const ids = days.map((day) => `prd_${model}_${day}`);
  const predictions = ids.map((id) => ({ id, key: null, request: {}, probability: 0.5, label: "late" }));
  await insertPredictions(registry.db, { model, environment: "production", version: `${model}.1`, epoch: 1, predictions });
  for (const [index, id] of ids.entries())
    await registry.adminDb
      .updateTable("predictions")
      .set({ at: daysAgo(days[index] ?? 0) })
      .where("id", "=", id)
      .execute();
  return ids;
}
const left = async (model: string) =>
  (await registry.db.selectFrom("predictions").select("id").where("model", "=", model).orderBy("at").execute()).map(
    ({ id }) => id,
  );

describe("predictions", () => {
  test("older than the setting go, batch by batch; what an open drift explains and what is held stays", async () => {
    await predicted("aging", [1, 89, 91, 120, 121, 122]);
    await predicted("held", [1, 200]);
    const drift = { id: "fnd_1", model: "aging", kind: "drift" as const, title: "drifts", opened_by: "countersign" };
    await registry.db
      .insertInto("findings")
      .values({ ...drift, opened_at: daysAgo(118.5) })
      .execute();
    expect(await forget(1)).toEqual({ predictions: 2 });
    expect(await left("aging")).toEqual(["prd_aging_120", "prd_aging_91", "prd_aging_89", "prd_aging_1"]);
    const closing = { closed_at: new Date(), closed_by: "ada", closing: "retrained" };
    await registry.db.updateTable("findings").set(closing).where("id", "=", "fnd_1").execute();
    expect(await forget(2)).toEqual({ predictions: 2 });
    expect(await left("aging")).toEqual(["prd_aging_89", "prd_aging_1"]);
    expect(await left("held")).toEqual(["prd_held_200", "prd_held_1"]);
    expect(await forget()).toEqual({});
  });

  test("a round ends when its time is over, and the next goes on", async () => {
    await predicted("aging", [300, 301]);
    expect(await forget(1, Date.now() - 1)).toEqual({});
    expect(await forget(1)).toEqual({ predictions: 2 });
  });

  test("the database itself keeps a month, and what is on hold, whatever a process asks", async () => {
    const remove = (id: string) => registry.db.deleteFrom("predictions").where("id", "=", id).execute();
    await expect(remove("prd_aging_1")).rejects.toThrow(/younger than 30 days/);
    await expect(remove("prd_held_200")).rejects.toThrow(/on hold/);
    await expect(registry.db.deleteFrom("legal_holds").execute()).rejects.toThrow(/permission denied/);
  });

  test("go with a hold that was lifted; placing and lifting are on the audit chain", async () => {
    await setHold(registry.db, { model: "held", held: false, why: "the case is closed", by: "olga" });
    expect(await forget()).toEqual({ predictions: 1 });
    expect((await auditKinds(registry.db, "held")).slice(-2)).toEqual(["hold.placed", "hold.lifted"]);
  });
});

test("attempts, messages, sources, tokens and links go when they are old, and not what is still in use", async () => {
  const { db } = registry;
  const attempt = {
    gate_id: "g",
    principal_id: "ben",
    surface: "api" as const,
    decision: "approve",
    receipt: "self" as const,
  };
  await db
    .insertInto("attempts")
    .values([400, 10].map((days) => ({ ...attempt, id: `att_${days}`, message: "no", at: daysAgo(days) })))
    .execute();
  const delivery = {
    notice: "gate" as const,
    subject: "g",
    event: 1,
    wanted: 1,
    way: "email" as const,
    destination: "x@example.com",
  };
  await db
    .insertInto("deliveries")
    .values([
      { ...delivery, id: "old", state: "done", created_at: daysAgo(200) },
      { ...delivery, id: "reply", parent: "old", state: "done", created_at: daysAgo(199) },
      { ...delivery, id: "due", state: "due", created_at: daysAgo(200) },
      { ...delivery, id: "answered", state: "done", created_at: daysAgo(200) },
      { ...delivery, id: "young reply", parent: "answered", state: "done", created_at: daysAgo(3) },
    ])
    .execute();
  const file = { fingerprint: "f", digest: `sha256:${"0".repeat(64)}` as const, bytes: 1, content: "{}" };
  await db
    .insertInto("source_files")
    .values([100, 1].map((days) => ({ ...file, place: `p${days}`, read_at: daysAgo(days) })))
    .execute();
  const token = { principal_id: "ada", kind: "session" as const, name: "s", created_by: "ada", created_at: daysAgo(120) };
  await db
    .insertInto("tokens")
    .values([
      { ...token, id: "expired", hash: "1", expires_at: daysAgo(100) },
      { ...token, id: "revoked", hash: "2", expires_at: daysAgo(-100), revoked_at: daysAgo(100) },
      { ...token, id: "valid", hash: "3", expires_at: daysAgo(-1) },
    ])
    .execute();
  const link = { team_id: "T", user_id: "U", user_name: "u" };
  await db
    .insertInto("slack_links")
    .values({ ...link, hash: "h", expires_at: daysAgo(100) })
    .execute();
  // The reply and what it answered in two batches of one statement.
  expect(await forget(1)).toEqual({ attempts: 1, messages: 2, sources: 1, tokens: 3 });
  const ids = async (table: "attempts" | "deliveries" | "tokens") =>
    (await db.selectFrom(table).select("id").orderBy("id").execute()).map(({ id }) => id);
  expect(await ids("attempts")).toEqual(["att_10"]);
  expect(await ids("deliveries")).toEqual(["answered", "due", "young reply"]);
  expect(await ids("tokens")).toEqual(["valid"]);
});

test("what went on a day is on the audit chain once, when the day is over", async () => {
  await noteRemoved(registry.db, { predictions: 2 });
  await noteRemoved(registry.db, { predictions: 3, artifacts: 1 }, { collected: true });
  expect(await isCollectedToday(registry.db)).toBe(true);
  await tellDays(registry.db);
  expect(await auditKinds(registry.db, "retention")).toEqual([]);
  await sql`update retention_days set day = day - 1`.execute(registry.adminDb);
  await Promise.all([tellDays(registry.db), tellDays(registry.db)]);
  expect(await auditKinds(registry.db, "retention")).toEqual(["retention.swept"]);
  const { body } = await registry.db
    .selectFrom("audit")
    .select("body")
    .where("kind", "=", "retention.swept")
    .executeTakeFirstOrThrow();
  expect(JSON.parse(body)).toMatchObject({ data: { removed: { predictions: 5, artifacts: 1 } } });
  expect(await isCollectedToday(registry.db)).toBe(false);
});

test("what trainings left behind goes by age: their folders after a week, the outbox after a month; nothing else beside them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "countersign-aging-"));
  const [jobs, outbox] = [join(folder, "jobs"), join(folder, "outbox")];
  const store = createArtifactStore({ directory: registry.folder, outbox });
  const digests = [await store.put("old"), await store.put("young")];
  await utimes(placeOf(outbox, digests[0]!), daysAgo(31), daysAgo(31));
  const names = [`aging.1~${randomUUID()}`, `aging.2~${randomUUID()}`, "mine"];
  for (const name of names) await mkdir(join(jobs, name), { recursive: true });
  await writeFile(join(jobs, names[0]!, "train.parquet"), "rows");
  for (const name of [names[0]!, "mine"]) await utimes(join(jobs, name), daysAgo(8), daysAgo(8));
  await forgetTrainingFiles({ folders: [jobs, join(folder, "none")], outbox });
  expect(await readdir(jobs)).toEqual(names.slice(1).toSorted());
  expect([...(await createArtifactSweep(outbox).list()).keys()]).toEqual([digests[1]]);
  await rm(folder, { recursive: true });
});

test("a hold is placed and lifted on the command line, and no model that is not there", async () => {
  const hold = (...args: string[]) =>
    promisify(execFile)(process.execPath, ["deploy/hold.ts", ...args], {
      env: { ...process.env, DATABASE_URL: registry.databaseUrl },
    });
  expect((await hold("aging", "place", "olga", "case 4711")).stdout).toMatch(/^aging is on hold/);
  expect(await readHeld(registry.db)).toEqual(["aging"]);
  await hold("aging", "lift", "olga", "closed");
  expect(await readHeld(registry.db)).toEqual([]);
  await expect(hold("nobody", "place", "olga", "case")).rejects.toThrow(/There is no model nobody/);
  await expect(hold("aging", "place")).rejects.toThrow(/deploy\/hold.ts <model>/);
});

describe("artifacts", () => {
  const days = 7;
  const collect = () => collectArtifacts({ db: registry.db, sweep: createArtifactSweep(registry.folder) }, days, unwatched);
  const age = (digest: Parameters<typeof placeOf>[1], by = 30) =>
    utimes(placeOf(registry.folder, digest), daysAgo(by), daysAgo(by));
  const seenLongAgo = () => sql`update unreachable_artifacts set since = since - interval '8 days'`.execute(registry.adminDb);

  test("that nothing names go after two looks a week apart; what a row, or what a row leads to, names stays", async () => {
    const { store, db, folder } = registry;
    const leaf = await store.put("a table");
    const between = await store.putJson({ filler: "x".repeat(1 << 20), files: [{ digest: leaf }] });
    const root = await store.putJson({ spec: between });
    await db
      .insertInto("source_files")
      .values({ place: "root", fingerprint: "f", digest: root, bytes: 1, content: "{}" })
      .execute();
    const orphan = await store.put("nobody names me");
    const young = await store.put("nobody names me yet");
    const again = await store.put("nobody named me for long");
    for (const digest of [leaf, between, root, orphan, again]) await age(digest);
    await writeFile(join(folder, "incoming", "1-half"), "half");
    await utimes(join(folder, "incoming", "1-half"), daysAgo(9), daysAgo(9));
    const before = [...(await createArtifactSweep(folder).list()).keys()];
    expect(await collect(), "the first look takes nothing").toEqual({});
    await seenLongAgo();
    await store.put("nobody named me for long");
    expect(await collect()).toEqual({ artifacts: 1, artifactBytes: "nobody names me".length });
    const after = [...(await createArtifactSweep(folder).list()).keys()];
    expect(before.filter((digest) => !after.includes(digest))).toEqual([orphan]);
    expect(after).toEqual(expect.arrayContaining([leaf, between, root, young, again]));
    await expect(store.get(orphan)).rejects.toThrow(/holds no/);
    await store.put("nobody names me");
    expect(await store.getText(orphan), "the same bytes can be stored again").toBe("nobody names me");
  });

  test("that something names again before the second look stay, and their time begins anew", async () => {
    const { store, db } = registry;
    const digest = await store.put("named now and then");
    await age(digest);
    await collect();
    await seenLongAgo();
    await db.insertInto("source_files").values({ place: "named", fingerprint: "f", digest, bytes: 1, content: "{}" }).execute();
    expect(await collect()).toEqual({});
    await db.deleteFrom("source_files").where("place", "=", "named").execute();
    expect(await collect(), "the row that went at this moment may be in somebody's hands").toEqual({});
    expect(await store.has(digest)).toBe(true);
  });

  test("stay while a model is on hold", async () => {
    const digest = await registry.store.put("evidence, perhaps");
    await age(digest);
    await collect();
    await seenLongAgo();
    await setHold(registry.db, { model: "held", held: true, why: "a court asks again", by: "olga" });
    expect(await collect()).toEqual({});
    expect(await registry.store.has(digest)).toBe(true);
  });
});
