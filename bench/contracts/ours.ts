import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, basename, join } from "node:path";
import { createArtifactStore } from "../../artifacts/artifact-store.ts";
import { checkContract } from "../../ml/contracts/check-contract.ts";
import { parseContract } from "../../ml/contracts/parse-contract.ts";
import { freezeDataset } from "../../ml/datasets/freeze-dataset.ts";
import { unwatched } from "../../ml/stage-tools.ts";
import { contract } from "./make-data.ts";
import { rootAt } from "../../test/setup/root-at.ts";

/** In a process of its own, so that its memory is its own: the frozen file is checked once. */
const file = process.argv[2] ?? "";
const directory = await mkdtemp(join(tmpdir(), "countersign-bench-"));
const store = createArtifactStore({ directory });
const data = { rows: "payments", sources: { payments: { files: basename(file) } } };
const { manifest } = await freezeDataset({ dataRoot: rootAt(dirname(file)), store, data, parameters: {} }, unwatched);
const [before, used] = [performance.now(), process.cpuUsage()];
const report = await checkContract({ contract: parseContract(contract), manifest, store, now: new Date() }, unwatched);
const seconds = (performance.now() - before) / 1000;
const { user, system } = process.cpuUsage(used);
const broken = report.rules.filter(({ outcome }) => outcome === "fail").map(({ column, failing }) => [column, failing]);
await rm(directory, { recursive: true });
process.stdout.write(
  `${JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, peakMb: process.resourceUsage().maxRSS / 1024, rules: report.rules.length, broken })}\n`,
);
