import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Hono } from "hono";
import type { ConsoleEnv } from "./deps.ts";

/** The pages' own files. Their names carry their content's digest, so browsers may keep them for good. */
const files = {
  css: { name: "console.css", type: "text/css; charset=utf-8" },
  js: { name: "console.js", type: "text/javascript; charset=utf-8" },
} as const;

function load({ name, type }: { name: string; type: string }) {
  const content = readFileSync(new URL(`./assets/${name}`, import.meta.url));
  const mark = createHash("sha256").update(content).digest("hex").slice(0, 12);
  return { content, type, path: `/assets/${mark}/${name}` };
}

const loaded = { css: load(files.css), js: load(files.js) };
const mark = readFileSync(new URL("./assets/mark.svg", import.meta.url));

export const assetPaths = { css: loaded.css.path, js: loaded.js.path };

export const assetRoutes = new Hono<ConsoleEnv>();
for (const { content, type, path } of Object.values(loaded)) {
  assetRoutes.get(path, (context) =>
    context.body(content, 200, { "content-type": type, "cache-control": "public, max-age=31536000, immutable" }),
  );
}
assetRoutes.get("/assets/mark.svg", (context) =>
  context.body(mark, 200, { "content-type": "image/svg+xml", "cache-control": "public, max-age=3600" }),
);
