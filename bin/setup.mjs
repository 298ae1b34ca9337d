/** `npm run setup`: installs what is missing and ends; `npm start` and `npm test` do the same by themselves. */
import { ensureAll } from "./setup/ensure.mjs";

const { node, temporal } = await ensureAll();
console.log(`Ready: Node 24 at ${node}, Temporal at ${temporal}.`);
