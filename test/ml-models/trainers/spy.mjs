/** Tries what a trainer must not reach, and tells what it got. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
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
const found = {
  environment: Object.keys(process.env).sort(),
  secretFile: attempt(() => readFileSync(parameters.secretFile, "utf8")),
  hidden: attempt(() => readFileSync(parameters.hiddenFile, "utf8")),
  siblings: attempt(() => readdirSync("..")),
  port: await reach(parameters.port),
  workerVisible: existsSync(`/proc/${parameters.worker}/environ`)
    ? attempt(() => readFileSync(`/proc/${parameters.worker}/environ`, "utf8").includes("TEST_ONLY_SECRET"))
    : "no",
  user: process.getuid(),
};
console.log(`found ${JSON.stringify(found)}`);
writeFileSync("result.json", JSON.stringify({ environment: {} }));
