import { realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "./isolation.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A program of this room as a command, with the part of the checkout that it is made of. */
export function ownProgram(module: URL): Command {
  const parts = ["ml", "domain", "node_modules", "package.json"].map((name) => join(root, name));
  // Node takes a package by its real path, wherever a link leads.
  const sees = [process.execPath, ...parts, ...parts.map((path) => realpathSync(path))];
  return { command: process.execPath, args: [fileURLToPath(module)], sees };
}
