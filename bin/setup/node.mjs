import { existsSync } from "node:fs";
import { join } from "node:path";
import { run, tail } from "./process.mjs";
import { SetupError } from "./steps.mjs";

/** The major version that runs .ts files without flags and that everything here is tested with. */
const wantedMajor = 24;

async function majorOf(path) {
  if (!existsSync(path)) return null;
  const { code, output } = await run(path, ["--version"], { timeoutMs: 20_000 });
  const major = /^v(\d+)\./.exec(output)?.[1];
  return code === 0 && major !== undefined ? Number(major) : null;
}

/**
 * The path of a Node 24, which the npm package `node` brings. Its install script fetches the
 * binary; where npm's scripts are off it is run here.
 */
export async function ensureNode({ root, steps, env = process.env }) {
  const folder = join(root, "node_modules", "node");
  const path = join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
  if ((await majorOf(path)) === wantedMajor) return path;
  if (Number(process.versions.node.split(".")[0]) === wantedMajor) return process.execPath;

  const { output } = await steps.run(
    `Node ${wantedMajor}, because the package's install script did not run`,
    () => run(process.execPath, ["installArchSpecificPackage.js"], { cwd: folder, env }),
    { announce: true },
  );
  if ((await majorOf(path)) === wantedMajor) return path;
  throw new SetupError(
    [
      `Node ${wantedMajor} is missing (this is ${process.version}), and the npm package "node" did not bring it:`,
      `    ${tail(output).replaceAll("\n", "\n    ")}`,
      `Cure one of them: let npm reach its registry and run "npm rebuild node", or start with Node ${wantedMajor} itself.`,
    ].join("\n"),
  );
}
