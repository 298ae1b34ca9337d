/** The built-in trainer, spoilt in the way that its arguments name: `faulty.mjs <fault> <baseline-main.ts>`. */
import { spawnSync } from "node:child_process";
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";

const [fault, baseline] = process.argv.slice(2);
if (fault === "deaf") {
  if (statSync("train.parquet").size > 0) {
    console.error("It does not train, so that this test need not wait for its limit.");
    process.exit(1);
  }
  process.on("SIGTERM", () => undefined);
  console.log("hears nothing from now on");
  setInterval(() => undefined, 1000);
} else {
  const job = JSON.parse(readFileSync("job.json", "utf8"));
  if (fault === "trusting") job.contract = 1;
  if (fault === "short-sighted") job.features.pop();
  if (fault === "dull") job.parameters.l2 = 1e9;
  // What it was given can only be read where it is isolated.
  mkdirSync("spoilt");
  process.chdir("spoilt");
  writeFileSync("job.json", JSON.stringify(job));
  copyFileSync("../train.parquet", "train.parquet");
  const { status } = spawnSync(process.execPath, [baseline], { stdio: "inherit" });
  if (fault === "proud") process.exit(0);
  if (existsSync("result.json")) {
    const report = JSON.parse(readFileSync("result.json", "utf8"));
    if (fault === "silent") delete report.environment;
    if (fault === "forgetful") report.predictions = [0.123, 0.456];
    writeFileSync("result.json", JSON.stringify(report));
  }
  // Protobuf's sixth member of a model is its description: another one each time.
  const noise = String(process.hrtime.bigint() % 10_000_000n).padStart(8, "0");
  if (fault === "unsteady") appendFileSync("model.onnx", Buffer.concat([Buffer.from([0x32, noise.length]), Buffer.from(noise)]));
  for (const name of ["result.json", "model.onnx"]) if (existsSync(name)) renameSync(name, `../${name}`);
  process.exitCode = status ?? 1;
}
