import { fileURLToPath } from "node:url";

/** Where the histories lie that were recorded by earlier code. */
export const histories = fileURLToPath(new URL("histories/", import.meta.url));
