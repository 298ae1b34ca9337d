import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./process.mjs";
import { SetupError } from "./steps.mjs";

async function lockedPackages(path) {
  try {
    return JSON.parse(await readFile(path, "utf8")).packages ?? {};
  } catch {
    return null;
  }
}

/**
 * Why the packages must be installed, or null when they are those of package-lock.json. npm keeps
 * a record of what it installed in node_modules/.package-lock.json, written last; it is compared
 * package by package, so that an installation by hand counts as well as one from here.
 */
export async function packagesFault(root) {
  const wanted = await lockedPackages(join(root, "package-lock.json"));
  if (wanted === null) throw new SetupError(`${join(root, "package-lock.json")} cannot be read: this is no whole checkout.`);
  const installed = await lockedPackages(join(root, "node_modules", ".package-lock.json"));
  if (installed === null) return "they are missing";
  for (const [path, pkg] of Object.entries(wanted)) {
    if (path === "") continue;
    const found = installed[path];
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    // Packages of other platforms are optional and never there.
    if (found === undefined && (pkg.optional === true || pkg.devOptional === true)) continue;
    if (found === undefined) return `${name} is missing`;
    if (found.version !== pkg.version) return `${name} is ${found.version}, not ${pkg.version}`;
    if (!existsSync(join(root, path))) return `${name} is gone`;
  }
  return null;
}

/** What npm says went wrong: its first lines; the last ones only tell how it is used. */
function causeOf(output) {
  const lines = output.split("\n").filter((line) => line.startsWith("npm error") && line.trim() !== "npm error");
  return (lines.length > 0 ? lines : output.split("\n")).slice(0, 8);
}

/**
 * `npm ci` wants every platform's optional packages in the lock file, and refuses one that was
 * written where a registry did not list them all; `npm install` takes the same versions from it.
 */
async function installPackages(given) {
  // The CPU runtime is inside the package; its install script would download gigabytes for graphics cards.
  const options = { ...given, env: { ...given.env, ONNXRUNTIME_NODE_INSTALL: "skip" } };
  // With NODE_ENV=production npm would leave out Node 24 and the test tools.
  const flags = ["--include=dev", "--include=optional", "--no-fund", "--no-audit", "--loglevel=error"];
  const clean = await run("npm", ["ci", ...flags], options);
  if (clean.code === 0 || !clean.output.includes("EUSAGE")) return clean;
  return run("npm", ["install", "--no-save", ...flags], options);
}

/** Installs the npm packages of package-lock.json unless they are there. */
export async function ensurePackages({ root, steps, env = process.env }) {
  const fault = await packagesFault(root);
  if (fault === null) return;
  const install = async () => {
    const { code, output } = await installPackages({ cwd: root, env, shell: process.platform === "win32" });
    if (code === 0) return;
    throw new SetupError(
      [
        "The npm packages could not be installed:",
        ...causeOf(output).map((line) => `    ${line}`),
        'Cure one of them: let npm reach its registry ("npm config get registry" names it), have npm on PATH, or copy a whole node_modules here.',
      ].join("\n"),
    );
  };
  await steps.run(`npm packages, because ${fault} (npm ci)`, install, { announce: true });
}
