import { execFile } from "node:child_process";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { packagesFault } from "../../bin/setup/packages.mjs";
import { temporaryFolder } from "./temporary-home.ts";

const execute = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

interface Locked {
  version: string;
  optional?: boolean;
}

async function checkout(wanted: Record<string, Locked>, installed: Record<string, Locked> | null): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "package-lock.json"), JSON.stringify({ packages: { "": { version: "0" }, ...wanted } }));
  if (installed === null) return folder;
  for (const path of Object.keys(installed)) await mkdir(join(folder, path), { recursive: true });
  await writeFile(join(folder, "node_modules", ".package-lock.json"), JSON.stringify({ packages: installed }));
  return folder;
}

test("packages that are those of the lock file need nothing, also without those of other platforms", async () => {
  const lock = { "node_modules/a": { version: "1.0.0" }, "node_modules/b-darwin": { version: "1.0.0", optional: true } };
  expect(await packagesFault(await checkout(lock, { "node_modules/a": { version: "1.0.0" } }))).toBeNull();
});

test("it is told why packages must be installed", async () => {
  const lock = { "node_modules/a": { version: "1.0.0" }, "node_modules/@x/b": { version: "2.0.0" } };
  expect(await packagesFault(await checkout(lock, null))).toBe("they are missing");
  expect(await packagesFault(await checkout(lock, { "node_modules/a": { version: "1.0.0" } }))).toBe("@x/b is missing");
  expect(
    await packagesFault(
      await checkout(lock, { "node_modules/a": { version: "0.9.0" }, "node_modules/@x/b": { version: "2.0.0" } }),
    ),
  ).toBe("a is 0.9.0, not 1.0.0");
  const emptied = await checkout(lock, { "node_modules/a": { version: "1.0.0" }, "node_modules/@x/b": { version: "2.0.0" } });
  await rm(join(emptied, "node_modules", "a"), { recursive: true });
  expect(await packagesFault(emptied)).toBe("a is gone");
});

test("npm start without packages and without a registry gives one message with the cures", async () => {
  const folder = await temporaryFolder();
  for (const path of ["bin/start.mjs", "bin/setup", "package.json", "package-lock.json"])
    await cp(join(root, path), join(folder, path), { recursive: true });
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    npm_config_registry: "http://127.0.0.1:9/",
    npm_config_cache: join(folder, "cache"),
    npm_config_fetch_retries: "0",
  };
  const failed = await execute(process.execPath, ["bin/start.mjs"], { cwd: folder, env }).then(
    () => null,
    (error: { code: number; stderr: string }) => error,
  );
  expect(failed?.code).toBe(1);
  expect(failed?.stderr).toMatch(
    /npm packages, because they are missing \(npm ci\) …[^]*The npm packages could not be installed:[^]*ECONNREFUSED[^]*Cure one of them/,
  );
  expect(failed?.stderr).not.toMatch(/\n\s+at /);
});
