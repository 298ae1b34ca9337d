import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { makePayments } from "./contracts/make-data.ts";

/**
 * Thirty rules on a Parquet file of twenty columns, reading included, by Countersign and by Great
 * Expectations and pandera on pandas, each in a process of its own on the same file, one after the other.
 * `--rows 5000000` is the size that is promised; `--python` names an environment that has both, else one
 * is made below a temporary directory.
 */
const { values } = parseArgs({
  options: { rows: { type: "string", default: "1000000" }, python: { type: "string" }, rounds: { type: "string", default: "1" } },
});
const run = promisify(execFile);
const here = import.meta.dirname;
const directory = await mkdtemp(join(tmpdir(), "countersign-contracts-"));
const packages = ["great_expectations==1.24.1", "pandera[pandas]==0.35.0", "pandas==3.1.1", "pyarrow==26.0.1"];

interface Outcome {
  seconds: number;
  /** Of a processor: what other work on the machine does not change. */
  cpuSeconds: number;
  peakMb: number;
  rules: number;
  broken: [string, number][];
}

async function python(): Promise<string> {
  if (values.python !== undefined) return values.python;
  const environment = join(directory, "venv");
  await run("python3", ["-m", "venv", environment]);
  await run(join(environment, "bin", "pip"), ["install", "-q", ...packages]);
  return join(environment, "bin", "python");
}

async function measure(command: string, words: string[]): Promise<Outcome> {
  const { stdout } = await run(command, words, { maxBuffer: 1 << 24 });
  // What the scripts beside this file print on their last line.
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Outcome;
}

try {
  const file = join(directory, "payments.parquet");
  await makePayments(file, Number(values.rows));
  const interpreter = await python();
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const ours = await measure(process.execPath, [join(here, "contracts/ours.ts"), file]);
    const pandera = await measure(interpreter, [join(here, "contracts/theirs.py"), "pandera", file]);
    const expectations = await measure(interpreter, [join(here, "contracts/theirs.py"), "great_expectations", file]);
    const row = (name: string, { seconds, cpuSeconds, peakMb, rules, broken }: Outcome) =>
      process.stdout.write(
        `${name.padEnd(20)} ${seconds.toFixed(2).padStart(7)} s ${cpuSeconds.toFixed(2).padStart(7)} s of a processor ${Math.round(peakMb).toString().padStart(6)} MB  ${rules} rules, broken: ${broken.map(([column, n]) => `${column} ${n}`).join(", ")}  (${(seconds / ours.seconds).toFixed(1)} × the time, ${(cpuSeconds / ours.cpuSeconds).toFixed(1)} × the processor, ${(peakMb / ours.peakMb).toFixed(1)} × the memory)\n`,
      );
    row("countersign", ours);
    row("pandera", pandera);
    row("great expectations", expectations);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
