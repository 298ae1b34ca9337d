/** Fills what it can write to, in the place that its parameters name. */
import { appendFileSync, closeSync, openSync, readFileSync, unlinkSync, writeFileSync, writeSync } from "node:fs";

const { place } = JSON.parse(readFileSync("job.json", "utf8")).parameters;
const block = Buffer.alloc(1 << 20, "x");
if (place === "files") for (let number = 0; number < 100_000; number += 1) writeFileSync(`${number}`, "");
if (place === "deleted") {
  // What has no name any more takes its room all the same.
  const file = openSync("gone", "w");
  unlinkSync("gone");
  for (let number = 0; number < 100; number += 1) writeSync(file, block);
  closeSync(file);
}
for (let number = 0; number < 100; number += 1) appendFileSync(`${place}/junk.bin`, block);
