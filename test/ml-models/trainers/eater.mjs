/** Eats memory in children, so that the process itself stays small. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

const { parameters } = JSON.parse(readFileSync("job.json", "utf8"));
console.log("eating");
const glutton = `const held = []; setInterval(() => held.push(Buffer.alloc(16 << 20, 1)), 10); // ${parameters.marker}`;
for (let child = 0; child < 2; child += 1) spawn(process.execPath, ["-e", glutton], { stdio: "ignore" });
setInterval(() => undefined, 1000);
