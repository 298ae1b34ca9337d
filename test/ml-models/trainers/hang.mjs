/** Ignores the polite signal, starts a child that leaves its group, and never ends. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

const { parameters } = JSON.parse(readFileSync("job.json", "utf8"));
process.on("SIGTERM", () => console.log("no"));
spawn("sleep", [String(parameters.marker)], { detached: true, stdio: "ignore" });
spawn("sleep", [String(parameters.marker)], { stdio: "inherit" });
console.log("started and now hanging");
setInterval(() => undefined, 1000);
