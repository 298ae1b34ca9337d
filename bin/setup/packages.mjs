import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { run, tail } from "./process.mjs";
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
  if (wanted === null)
    throw new SetupError(
      `${join(root, "package-lock.json")} cannot be read: this is no whole checkout.`,
    );
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

/** Installs the npm packages of package-lock.json unless they are there. */
export async function ensurePackages({ root, steps, env = process.env }) {
  const fault = await packagesFault(root);
  if (fault === null) return;
  await steps.run(
    `npm packages, because ${fault} (npm ci)`,
    async () => {
      // With NODE_ENV=production npm would leave out Node 24 and the test tools.
      const args = [
        "ci",
        "--include=dev",
        "--include=optional",
        "--no-fund",
        "--no-audit",
        "--loglevel=error",
      ];
      const { code, output } = await run("npm", args, {
        cwd: root,
        env,
        shell: process.platform === "win32",
      });
      if (code === 0) return;
      throw new SetupError(
        [
          "The npm packages could not be installed:",
          `    ${tail(output).replaceAll("\n", "\n    ")}`,
          'Cure one of them: let npm reach its registry (npm config get registry), have npm on PATH, or copy a whole node_modules and run "npm ci" yourself.',
        ].join("\n"),
      );
    },
    { announce: true },
  );
}
