/** Tries what a trainer must not reach, and tells what it got. */
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

const { parameters } = JSON.parse(readFileSync("job.json", "utf8"));
const attempt = (work) => {
  try {
    return String(work());
  } catch (error) {
    return error.code ?? error.message;
  }
};
const reach = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve("connected"));
    socket.on("error", (error) => resolve(error.code));
  });
const run = (...words) => attempt(() => execFileSync(words[0], words.slice(1), { stdio: "pipe" }) && "done");
const left = ["/tmp/left", "/dev/shm/left"];
const found = {
  environment: Object.keys(process.env).sort(),
  secrets: parameters.secrets.split(",").map((path) => attempt(() => readFileSync(path, "utf8"))),
  written: parameters.targets.split(",").map((path) => attempt(() => appendFileSync(path, "spy"))),
  root: readdirSync("/").sort(),
  above: attempt(() => readdirSync("..").sort()),
  port: await reach(parameters.port),
  processes: readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length,
  worker: existsSync(`/proc/${parameters.worker}/environ`),
  user: process.getuid(),
  left: left.map((path) => existsSync(path)),
  namespaces: run("unshare", "--user", "--map-root-user", "true"),
  mounting: run("mount", "-t", "tmpfs", "none", "/tmp"),
  remounting: run("mount", "-o", "remount,bind,rw", "/usr"),
};
for (const path of left) writeFileSync(path, "x");
// Shared memory of the old kind has no name in the file system.
found.sharedMemory = run("ipcmk", "--shmem", "4096");
console.log(`found ${JSON.stringify(found)}`);
writeFileSync("result.json", JSON.stringify({ environment: {} }));
