import { spawn } from "node:child_process";
import { chmod, lstat, mkdir, mkdtemp, readlink, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { openHome } from "../../bin/dev/home.ts";
import { initialisePostgres, isPostgresReady } from "../../bin/dev/postgres.ts";
import { makeSymlinks } from "../../bin/dev/postgres-binaries.ts";
import { ensureDatabase, preparePostgres } from "../../bin/dev/postgres-process.ts";
import { anyFreePorts } from "../../bin/dev/ports.ts";
import { eventually, temporaryFolder, temporaryHome } from "./temporary-home.ts";

async function start(homeFolder: string) {
  const home = await openHome(homeFolder);
  const [port = 0] = await anyFreePorts(1);
  const prepared = await preparePostgres(home, port);
  const { command, args, env, owner } = prepared.spec;
  const child = spawn(command, args, { env, stdio: "ignore", detached: true, ...owner });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGQUIT");
    await gone;
  };
  onTestFinished(stop);
  await eventually("PostgreSQL answers", () => isPostgresReady(prepared.adminUrl));
  return { ...prepared, home, stop };
}

test("what is written is there after a kill and another start, with the same password", async () => {
  const home = await temporaryHome();
  const first = await start(home.folder);
  await ensureDatabase(first);
  await ensureDatabase(first);
  const client = new pg.Client({ connectionString: first.ownerUrl });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("create table kept (n int); insert into kept values (7)");
  await first.stop();

  const second = await start(home.folder);
  const again = new pg.Client({ connectionString: second.ownerUrl });
  await again.connect();
  const { rows } = await again.query("select n from kept");
  await again.end();
  expect(rows).toEqual([{ n: 7 }]);
  const processes = new pg.Client({ connectionString: second.url });
  await processes.connect();
  await expect(processes.query("create table mine (n int)")).rejects.toThrow(/permission denied/);
  await processes.end();
});

test("a server that we start refuses who does not know the password", async () => {
  const { adminUrl } = await start((await temporaryHome()).folder);
  const url = new URL(adminUrl);
  url.password = "guess";
  await expect(new pg.Client({ connectionString: url.href }).connect()).rejects.toThrow(/password authentication failed/);
});

test("a cluster whose making broke off is made anew", async () => {
  const dataFolder = join(await temporaryFolder(), "cluster");
  await mkdir(dataFolder);
  await writeFile(join(dataFolder, "PG_VERSION"), "18\n");
  await initialisePostgres({ dataFolder, password: "secret", flags: ["--no-sync"] });
  expect((await lstat(join(dataFolder, "global", "pg_control"))).isFile()).toBe(true);
});

test("where root's home is closed to other users, the cluster lies in a folder of the system, linked from the home", async (context) => {
  if (userInfo().uid !== 0) context.skip("only root runs PostgreSQL as another user");
  const closed = await mkdtemp(join(tmpdir(), "countersign-closed-"));
  await chmod(closed, 0o700);
  let folder = "";
  // What is registered first is done last: the server has to end before its files go.
  onTestFinished(async () => {
    await rm(folder, { recursive: true, force: true });
    await rm(closed, { recursive: true, force: true });
  });
  const { home } = await start(join(closed, "home"));
  folder = await readlink(home.postgres);
  expect(folder).toBe(`/var/lib/countersign/postgres-${home.instance}`);
  expect(await realpath(home.postgres)).toBe(folder);
});

test("links that npm's scripts would have made among the libraries are made, and broken ones mended", async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, "native", "lib"), { recursive: true });
  await writeFile(join(root, "native", "lib", "libpq.so.5.18"), "");
  const links = ["libpq.so", "libpq.so.5"].map((name) => ({ source: "native/lib/libpq.so.5.18", target: `native/lib/${name}` }));
  await writeFile(join(root, "native", "pg-symlinks.json"), JSON.stringify(links));
  await makeSymlinks(root);
  await rm(join(root, "native", "lib", "libpq.so"));
  await makeSymlinks(root);
  expect(await readlink(join(root, "native", "lib", "libpq.so"))).toBe("libpq.so.5.18");
});
