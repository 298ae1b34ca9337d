/** Puts something else than a model in the model's place. */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";

const { plant, target } = JSON.parse(readFileSync("job.json", "utf8")).parameters;
const model = "model.onnx";
const plants = {
  link: () => symlinkSync(target, model),
  "link inside": () => symlinkSync("/proc/self/environ", model),
  folder: () => mkdirSync(model),
  pipe: () => execFileSync("mkfifo", [model]),
  socket: () => new Promise((resolve) => createServer().listen(model, resolve)),
  sparse: () => {
    writeFileSync(model, "");
    truncateSync(model, 2 ** 40);
  },
  "second name": () => {
    writeFileSync("other", "x");
    linkSync("other", model);
  },
  "report link": () => symlinkSync(target, "result.json"),
  locked: () => {
    writeFileSync(model, "x");
    chmodSync(model, 0);
  },
  late: () => {
    writeFileSync(model, "in time");
    const later = "sleep 1; echo too late, and longer > model.onnx";
    spawn("setsid", ["sh", "-c", `(${later}) & ${later}`], { detached: true, stdio: "ignore" }).unref();
  },
};
await plants[plant]();
process.exit(0);
