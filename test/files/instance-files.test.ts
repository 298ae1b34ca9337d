import { link, mkdir, mkdtemp, readFile, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readImported } from "../../activities/import-model.ts";
import type { TrainingJob } from "../../activities/train-job.ts";
import { createArtifactStore } from "../../artifacts/artifact-store.ts";
import { exampleRow } from "../../bin/dev/example/example-row.ts";
import { readConfig } from "../../bin/config.ts";
import { guardedRoot } from "../../bin/guarded-root.ts";
import { loadDefinitionFile } from "../../cli/definition-file.ts";
import type { ResolvedDefinition } from "../../domain/definition-schema.ts";
import { createLocalRoot, matches } from "../../files/local-root.ts";
import { createProtectedPlaces } from "../../files/protected-places.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { readCodeFolder } from "../../ml/trainers/code-folder.ts";
import { failureOf } from "../ml-data/workbench.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { rootAt } from "../setup/root-at.ts";

/**
 * A data root with the instance's home in it, as an old checkout has it: no name that a definition can hold leads to a
 * byte of the home, whichever reader follows it.
 */
const canary = "CANARY-7f3a";
let folder: string;
let root: string;
let home: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "countersign-files-")));
  root = join(folder, "examples");
  home = join(root, ".countersign");
  await mkdir(join(home, "keys"), { recursive: true });
  await mkdir(join(root, "data"));
  await mkdir(join(folder, "elsewhere"));
  await writeFile(join(home, "keys", "signing.pem"), `head\n${canary}\n`);
  await writeFile(join(home, "tokens.json"), `{"ada":"${canary}"}\n`);
  await writeFile(join(root, "data", "good.csv"), "a\n1\n");
  await writeFile(join(folder, "elsewhere", "cluster.csv"), `a\n${canary}\n`);
  await symlink(join(folder, "elsewhere"), join(home, "postgres"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const guarded = (at = root) => rootAt(at, { home });
const freeze = (files: string) =>
  freezeDataset(
    {
      dataRoot: guarded(),
      store: createArtifactStore({ directory: join(folder, "store") }),
      data: { rows: "rows", sources: { rows: { files, format: "csv" } } },
      parameters: {},
    },
    unwatched,
  );

/** Ways to the signing key or its neighbours; each is made where it needs making. */
const ways: [string, string, () => Promise<unknown>][] = [
  ["its own path", ".countersign/keys/signing.pem", async () => undefined],
  ["a path with dots", "data/../.countersign/tokens.json", async () => undefined],
  ["a pattern below it", ".countersign/keys/*", async () => undefined],
  ["a pattern for its folders", ".countersign/*/signing.pem", async () => undefined],
  ["a link to a file", "key.csv", () => symlink(join(home, "keys", "signing.pem"), join(root, "key.csv"))],
  ["a link to a folder", "inner/signing.pem", () => symlink(join(home, "keys"), join(root, "inner"))],
  ["a link in the middle of a pattern", "data/*/keys/*", () => symlink(home, join(root, "data", "in"))],
  [
    "a link to a link",
    "two/tokens.json",
    async () => {
      await symlink(home, join(root, "one"));
      await symlink(join(root, "one"), join(root, "two"));
    },
  ],
  ["another name of the file", "hard.csv", () => link(join(home, "keys", "signing.pem"), join(root, "hard.csv"))],
  [
    "what a link in the home leads to",
    "data/cluster.csv",
    () =>
      rename(join(folder, "elsewhere"), join(root, "data2")).then(async () => {
        await rm(join(home, "postgres"));
        await symlink(join(root, "data2"), join(home, "postgres"));
        await symlink(join(root, "data2", "cluster.csv"), join(root, "data", "cluster.csv"));
      }),
  ],
];

describe("no name leads to what is the instance's own", () => {
  test.each(ways)("a source by %s", async (_way, files, make) => {
    await make();
    const failure = await failureOf(freeze(files));
    expect(failure.code).toBe("source-unreadable");
    expect(failure.message).toMatch(/is the instance's own/);
    expect(JSON.stringify([failure.message, failure.faults])).not.toMatch(/CANARY|signing\.pem is/);
    expect(JSON.stringify([failure.message, failure.faults])).not.toContain(folder);
  });

  test("a trainer's files, a model from elsewhere and the example's row", async () => {
    await symlink(join(home, "keys"), join(root, "trainer"));
    await mkdir(join(root, "mine"));
    await link(join(home, "tokens.json"), join(root, "mine", "train.py"));
    for (const files of [".countersign/keys", ".countersign", "trainer", "mine"])
      expect(await failureOf(readCodeFolder(guarded(), files))).toMatchObject({ code: "trainer-failed" });
    for (const file of [".countersign/tokens.json", "trainer/signing.pem", "mine/train.py"]) {
      const prepared = { train: { model: { file }, origin: { trainedBy: "me", framework: "x" } }, job: { features: [] } };
      const failure = await failureOf(
        // Only what is read before the file's bytes is there.
        readImported({ trainersRoot: guarded() } as never, prepared as unknown as TrainingJob, unwatched),
      );
      expect(failure).toMatchObject({ code: "model-refused", message: expect.stringContaining("the instance's own") });
    }
    const asked = { data: { rows: "r", sources: { r: { files: ".countersign/tokens.json" } } }, features: { request: {} } };
    expect(await exampleRow(asked as unknown as ResolvedDefinition, guarded())).toBeNull();
  });

  test("the files that a definition refers to, as the command line reads it", async () => {
    await symlink(join(home, "tokens.json"), join(root, "linked.yaml"));
    await symlink(join(folder, "elsewhere", "cluster.csv"), join(root, "out.yaml"));
    for (const [file, why] of [
      [".countersign/tokens.json", "the instance's own"],
      ["linked.yaml", "the instance's own"],
      ["out.yaml", "leads out of the definition's folder"],
    ] as const) {
      await writeFile(join(root, "model.yaml"), `model: m\ncontract:\n  file: ${file}\n`);
      const { definition, faults } = await loadDefinitionFile(join(root, "model.yaml"), home);
      expect(definition).toBeNull();
      expect(faults).toContainEqual(expect.objectContaining({ message: expect.stringContaining(why) }));
      expect(JSON.stringify(faults)).not.toContain(canary);
    }
  });

  test("a file that becomes a link between being found and being opened", async () => {
    const files = guarded();
    const located = await files.locate("data/good.csv");
    if (!("path" in located)) throw new Error("it is not found");
    await rm(located.path);
    await symlink(join(home, "tokens.json"), located.path);
    await expect(files.open(located.path)).rejects.toThrow();
    await rm(located.path);
    await rm(join(root, "data"), { recursive: true });
    await symlink(home, join(root, "data"));
    await writeFile(join(home, "good.csv"), canary);
    await expect(files.open(located.path)).rejects.toThrow("replaced");
  });

  test("whether something is there, out of the root or within the home, is not told either", async () => {
    const files = guarded();
    for (const name of ["../elsewhere/cluster.csv", "../elsewhere/none.csv", "../examples2"])
      expect(await files.locate(name)).toMatchObject({ refusal: "leads out of the data root" });
    for (const name of [".countersign/tokens.json", ".countersign/none.json", ".countersign/none/none"])
      expect(await files.locate(name)).toMatchObject({ refusal: expect.stringContaining("the instance's own") });
  });
});

test("what is protected is told by what it is, not by how it is spelled", async () => {
  // The very folder under another spelling, as a file system that does not tell cases apart would give it.
  const other = join(root, "Home");
  await symlink(home, other);
  const protects = createProtectedPlaces([{ path: other, setting: "COUNTERSIGN_HOME" }]);
  expect(await protects.holding(join(home, "keys", "signing.pem"))).toMatchObject({ setting: "COUNTERSIGN_HOME" });
  expect(await protects.holding(join(root, "data", "good.csv"))).toBeNull();
});

test("a name may begin with the root's own, as definitions of earlier name the examples", async () => {
  const files = createLocalRoot({
    folder: root,
    title: "the data root",
    protects: createProtectedPlaces([]),
    answersToOwnName: true,
  });
  expect(await files.locate("examples/data/good.csv")).toEqual({ path: join(root, "data", "good.csv") });
  expect(await files.expand("examples/*/good.csv")).toEqual(["examples/data/good.csv"]);
  expect(await files.locate("data/good.csv")).toEqual({ path: join(root, "data", "good.csv") });
  await mkdir(join(root, "examples", "data"), { recursive: true });
  await writeFile(join(root, "examples", "data", "good.csv"), "a\n2\n");
  expect(await files.locate("examples/data/good.csv")).toEqual({ path: join(root, "examples", "data", "good.csv") });
});

test("good data is read as before, by another of its names too", async () => {
  await link(join(root, "data", "good.csv"), join(root, "same.csv"));
  const { manifest } = await freeze("same.csv");
  expect(manifest.sources["rows"]?.files).toMatchObject([{ name: "same.csv", rows: 1 }]);
});

describe("a start", () => {
  const config = (env: Record<string, string>) => readConfig({ COUNTERSIGN_HOME: home, ...env }, []);

  test("is refused where the instance's own lies below the root, or the root within it", async () => {
    const below = guardedRoot(config({ COUNTERSIGN_DATA_ROOT: root }), "COUNTERSIGN_DATA_ROOT");
    await expect(below).rejects.toThrow(/COUNTERSIGN_HOME \(.*\) lies below COUNTERSIGN_DATA_ROOT/);
    const within = guardedRoot(config({ COUNTERSIGN_TRAINERS_ROOT: join(home, "keys") }), "COUNTERSIGN_TRAINERS_ROOT");
    await expect(within).rejects.toThrow(/COUNTERSIGN_TRAINERS_ROOT \(.*\) lies in what COUNTERSIGN_HOME names/);
    const later = { COUNTERSIGN_DATA_ROOT: root, COUNTERSIGN_HOME: join(root, "data", "later") };
    await expect(guardedRoot(config(later), "COUNTERSIGN_DATA_ROOT")).rejects.toThrow("COUNTERSIGN_HOME");
    const artifacts = { COUNTERSIGN_DATA_ROOT: join(root, "data"), COUNTERSIGN_ARTIFACTS: join(root, "data", "artifacts") };
    await expect(guardedRoot(config(artifacts), "COUNTERSIGN_DATA_ROOT")).rejects.toThrow("COUNTERSIGN_ARTIFACTS");
    await symlink(join(home, "keys", "signing.pem"), join(folder, "key"));
    const key = {
      COUNTERSIGN_HOME: join(folder, "h"),
      COUNTERSIGN_DATA_ROOT: root,
      COUNTERSIGN_SIGNING_KEY_FILE: join(folder, "key"),
    };
    await expect(guardedRoot(config(key), "COUNTERSIGN_DATA_ROOT")).rejects.toThrow("COUNTERSIGN_SIGNING_KEY_FILE");
  });

  test("goes on where somebody knows of it, and the folder stays out of reach", async () => {
    const files = await guardedRoot(
      config({ COUNTERSIGN_DATA_ROOT: root, COUNTERSIGN_PROTECTED: `${home}, ${folder}/more` }),
      "COUNTERSIGN_DATA_ROOT",
    );
    expect(await files.locate(".countersign/tokens.json")).toMatchObject({ refusal: expect.stringContaining("instance's own") });
    expect(await files.locate("data/good.csv")).toHaveProperty("path");
  });

  test("without a root reads no file at all", async () => {
    const files = await guardedRoot(config({}), "COUNTERSIGN_DATA_ROOT");
    expect(await files.locate("data/good.csv")).toMatchObject({ refusal: "cannot be read: the data root is not set" });
  });
});

test("a pattern of many stars is matched in linear time", () => {
  const began = performance.now();
  expect(matches(`${"*a".repeat(100)}*b`, "a".repeat(250))).toBe(false);
  expect(performance.now() - began).toBeLessThan(100);
  expect(matches("*a*b*c", "xxaxxbxxc")).toBe(true);
  expect(matches("ab*ba", "aba")).toBe(false);
  expect(matches("*", ".hidden")).toBe(false);
  expect(matches("a.c*", "abcd")).toBe(false);
});

test("nothing but files/ follows a name that people wrote", async () => {
  for (const file of [
    "ml/datasets/source-files.ts",
    "ml/trainers/code-folder.ts",
    "activities/import-model.ts",
    "cli/definition-file.ts",
  ])
    expect(await readFile(file, "utf8"), file).not.toMatch(/realpath|readdir/);
});
