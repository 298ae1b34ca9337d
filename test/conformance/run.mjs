/**
 * `npm run conformance`: every point on every surface, and a table of what holds. `-- --long` adds
 * hundreds of long random sequences, with crashes of the workers among them.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const longRuns = 300;
const words = process.argv.slice(2).filter((word) => word !== "--long");
const long = process.argv.includes("--long");
const folder = mkdtempSync(join(tmpdir(), "countersign-conformance-"));
const report = join(folder, "report.json");
const files = long ? ["test/conformance"] : ["test/conformance/conformance.test.ts", "test/conformance/slack.test.ts"];
const { status } = spawnSync(
  process.execPath,
  [
    fileURLToPath(new URL("../../bin/test.mjs", import.meta.url)),
    ...files,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...words,
  ],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      COUNTERSIGN_CONFORMANCE: "all",
      ...(long && { COUNTERSIGN_CONFORMANCE_RUNS: String(longRuns) }),
    },
  },
);

const marks = { passed: "holds", failed: "FAILS", pending: "–", skipped: "–" };
/** @type {Map<string, Map<string, string>>} */
const table = new Map();
const surfaces = new Set();
for (const { ancestorTitles, title, status: outcome } of assertions()) {
  const [surface] = ancestorTitles;
  if (surface === undefined || !/^\d+\. /.test(title)) continue;
  surfaces.add(surface);
  const row = table.get(title) ?? new Map();
  row.set(surface, marks[outcome] ?? outcome);
  table.set(title, row);
}
rmSync(folder, { recursive: true, force: true });
const columns = [...surfaces];
const width = Math.max(...[...table.keys()].map((title) => title.length), 5);
process.stdout.write(`\n${"point".padEnd(width)}  ${columns.join("  ")}\n`);
for (const [title, row] of [...table].toSorted(([one], [other]) => Number.parseInt(one) - Number.parseInt(other)))
  process.stdout.write(`${title.padEnd(width)}  ${columns.map((one) => (row.get(one) ?? "–").padEnd(one.length)).join("  ")}\n`);
process.stdout.write("– : not a matter of this surface; test/conformance/README.md says why\n");
process.exitCode = status ?? 1;

function assertions() {
  try {
    return JSON.parse(readFileSync(report, "utf8")).testResults.flatMap((file) => file.assertionResults);
  } catch {
    return [];
  }
}
