/** Writes files without end. */
import { appendFileSync } from "node:fs";

const block = Buffer.alloc(1 << 20, "x");
setInterval(() => appendFileSync("junk.bin", block), 5);
