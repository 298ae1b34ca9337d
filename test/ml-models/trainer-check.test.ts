import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkBehaviour, checkTask, type Point } from "../../bin/trainer-check/points.ts";
import { findIsolation } from "../../ml/trainers/isolation.ts";
import { ownProgram } from "../../ml/trainers/own-program.ts";

/** The kit that anyone runs against a trainer of his own: a good one passes, and each planted fault is found. */
const baseline = resolve("ml/trainers/baseline-main.ts");
const main = resolve("test/ml-models/trainers/faulty.mjs");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-kit-"));
  await chmod(folder, 0o711);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const broken = (points: Point[]) => points.filter(({ outcome }) => outcome === "broken").map(({ name }) => name);

/** Each in a folder of its own: a check ends what an earlier one of its folder left. */
async function faulty(fault: string) {
  const own = await mkdtemp(join(folder, `${fault}-`));
  await chmod(own, 0o711);
  const { sees = [] } = ownProgram(pathToFileURL(baseline));
  return {
    folder: own,
    command: { command: process.execPath, args: [main, fault, baseline], sees: [...sees, main] },
  };
}

test("the built-in trainer keeps every point of the contract, in all tasks", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["cli/main.ts", "trainer", "check", "baseline"]);
  expect(stdout).not.toContain("✗");
  expect(stdout).toMatch(
    (await findIsolation()).way === null ? /^– runs isolated: not isolated: / : /^✓ runs isolated: no network/,
  );
  expect(stdout).toMatch(/✓ regression: the same job gives the same bytes/);
  expect(stdout).toMatch(/✓ SIGTERM ends it within two seconds: after \d+ ms/);
  expect(stdout).toMatch(/The contract is kept\.\n$/);
}, 240_000);

test.each([
  ["unsteady", "binary: the same job gives the same bytes"],
  ["silent", "binary: what it wrote can be read"],
  ["forgetful", "binary: the model takes the features and answers as the engine reads it"],
  ["short-sighted", "binary: the model takes the features and answers as the engine reads it"],
  ["dull", "binary: it learned something"],
])(
  "a trainer that is %s breaks exactly one point: %s",
  async (fault, point) => {
    expect(broken(await checkTask(await faulty(fault), "binary"))).toEqual([point]);
  },
  60_000,
);

test("a trainer that takes any contract, one that always ends well, and one that hears nothing are found", async () => {
  const [trusting, proud, deaf] = await Promise.all(
    ["trusting", "proud", "deaf"].map(async (fault) => broken(await checkBehaviour(await faulty(fault)))),
  );
  expect(trusting).toEqual(["a job of a contract that it does not know is refused with a sentence"]);
  expect(proud).toEqual([
    "a label of one class is refused with a sentence",
    "a job of a contract that it does not know is refused with a sentence",
  ]);
  expect(deaf).toEqual(["SIGTERM ends it within two seconds", "the end of its stdin ends it within two seconds"]);
}, 120_000);

test("a command that is none is told, with the exit code of bad input", async () => {
  const end = await promisify(execFile)(process.execPath, ["cli/main.ts", "trainer", "check"]).catch((error: unknown) => error);
  expect(end).toMatchObject({ code: 2, stderr: expect.stringContaining("missing required argument") });
});
