#!/usr/bin/env node
// The command works from a checkout under any Node from 20 on: where the running one cannot read
// TypeScript (before 22.18), the Node 24 among the packages takes over.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const main = new URL("./main.ts", import.meta.url);
const bundledNode = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
const interruptedExitCode = 130;

if (process.features.typescript) {
  // From the second command on it starts in half the time. Where the checkout cannot be written to, it does without.
  module.enableCompileCache?.(fileURLToPath(new URL("../node_modules/.cache/compiled", import.meta.url)));
  await import(main.href);
} else if (existsSync(bundledNode)) {
  const child = spawn(bundledNode, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  // The terminal sends Ctrl-C to both; this one waits for the other's own ending.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => signal === "SIGTERM" && child.kill(signal));
  child.on("error", (error) => {
    console.error(`countersign: ${bundledNode} cannot be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? interruptedExitCode : 1);
  });
} else {
  console.error("countersign needs Node 22.18 or later, or its packages: run `npm ci` in the checkout first.");
  process.exitCode = 1;
}
