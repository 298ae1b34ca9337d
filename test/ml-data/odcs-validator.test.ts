import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { suggestContract } from "../../domain/contract-suggestion.ts";
import { guessTypes } from "../../ml/contracts/guess-types.ts";
import { parseContract } from "../../ml/contracts/parse-contract.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { profileDataset } from "../../ml/datasets/profile-dataset.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { checkout } from "./example.ts";
import { createWorkbench, type Workbench } from "./workbench.ts";
import { rootAt } from "../setup/root-at.ts";

/** A public validator of ODCS: one binary of 9 MB with the standard's own JSON Schema, installed in 2 s. */
const validator = "odcslint==0.3.0";
const run = promisify(execFile);
const python = (() => {
  try {
    execFileSync("python3", ["-m", "venv", "--help"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

describe.runIf(python)("a public validator of ODCS", () => {
  let directory: string;
  let bench: Workbench;
  beforeAll(async () => {
    bench = await createWorkbench();
    directory = await mkdtemp(join(tmpdir(), "countersign-odcs-"));
    await run("python3", ["-m", "venv", join(directory, "venv")]);
    await run(join(directory, "venv/bin/pip"), ["install", "-q", "--disable-pip-version-check", validator]);
  }, 120_000);
  afterAll(async () => {
    await bench.remove();
    await rm(directory, { recursive: true, force: true });
  });

  const verdict = async (file: string): Promise<string> =>
    run(join(directory, "venv/bin/odcslint"), ["check", file]).then(
      ({ stdout, stderr }) => `${stdout}${stderr}`,
      (error: unknown) => (error instanceof Error && "stdout" in error ? `refused: ${String(error.stdout)}` : String(error)),
    );

  test.each(["credit-risk", "flight-delays"])("accepts the contract of the example %s", async (example) => {
    expect(await verdict(join(checkout, "examples", example, "contract.yaml"))).toContain("All checks passed");
  });

  test("accepts a contract that we suggest, and refuses what the standard does not know", async () => {
    const data = { rows: "people", sources: { people: { files: "examples/credit-risk/data/german-credit.csv" } } };
    const { manifest } = await freezeDataset({ dataRoot: rootAt(checkout), store: bench.store, data, parameters: {} }, unwatched);
    const types = await guessTypes({ store: bench.store, manifest }, unwatched);
    const contract = parseContract({ apiVersion: "v3.1.0", kind: "DataContract", schema: [{ name: "people" }] });
    const { profile } = await profileDataset({ store: bench.store, manifest, contract, champion: null }, unwatched);
    const file = join(directory, "suggested.yaml");
    await writeFile(file, stringify(suggestContract(profile, types, "people")));
    expect(await verdict(file)).toContain("All checks passed");
    await writeFile(file, stringify({ ...suggestContract(profile, types, "people"), shema: [] }));
    expect(await verdict(file)).toContain("refused");
  });
});
