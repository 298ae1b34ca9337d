import { afterEach, beforeEach, expect, test } from "vitest";
import { applyExample, model, requestRelease } from "./passage.ts";
import { createRegistry, twice, type Registry } from "./registry.ts";

let registry: Registry;
beforeEach(async () => {
  registry = await createRegistry();
  await applyExample(registry);
});
afterEach(() => registry.stop());

test("a folded request says into which release, and whoever asked contributed to it", async () => {
  const { release } = await requestRelease(registry, 1);
  const command = registry.sign("ben", { kind: "request-release", model, reason: "me too", trigger: "api", parameters: {} });
  expect(await twice(registry.db, () => registry.records.foldRequest({ command, release }))).toEqual({ ok: true });
  const contributors = await registry.db.selectFrom("contributors").selectAll().where("release_id", "=", release).execute();
  expect(contributors).toContainEqual(expect.objectContaining({ principal_id: "ben", how: "requested this release" }));
  const result = await registry.db
    .selectFrom("command_results")
    .select("result")
    .where("command_id", "=", command.id)
    .executeTakeFirstOrThrow();
  expect(result.result).toEqual({ release, folded: true });
});

test("a release that has ended takes no request in, and the same command can lead to another one", async () => {
  const { release } = await requestRelease(registry, 1);
  const before = registry.sign("ben", { kind: "request-release", model, reason: "me too", trigger: "api", parameters: {} });
  await registry.records.foldRequest({ command: before, release });
  await registry.records.endRelease({ release, outcome: "withdrawn", next: null, summary: "It was withdrawn." });
  const command = registry.sign("ben", { kind: "request-release", model, reason: "too late", trigger: "api", parameters: {} });
  expect(await twice(registry.db, () => registry.records.foldRequest({ command, release }))).toEqual({ ok: false, ended: true });
  expect(await registry.records.foldRequest({ command: before, release })).toEqual({ ok: true });
  const next = { model, release: `${model}.2`, number: 2, command, parent: null } as const;
  expect(await registry.records.createRelease(next)).toMatchObject({ ok: true });
});
