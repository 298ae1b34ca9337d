import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, statSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProcessEnd } from "../../ml/trainers/bounded-process.ts";
import { findIsolation } from "../../ml/trainers/isolation.ts";

/**
 * What docs/trainers.md promises of isolation, tried from inside, as root (whose trainers are nobody) and as an
 * ordinary user (whose trainers would otherwise be himself).
 */
const { way } = await findIsolation();
const trainers = resolve("test/ml-models/trainers");
const isRoot = process.getuid?.() === 0;
/** A user that owns nothing here. */
const ordinary = 23_456;
/** A checkout below a private home cannot be read by another user, who cannot run these tests then. */
const isOpen = isReadable(trainers);

interface Run {
  end: ProcessEnd;
  isolated: boolean;
  log: string;
  model: number | null;
  refusal: string | null;
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "countersign-isolation-test-"));
  await chmod(directory, 0o755);
  await writeFile(join(directory, "train.parquet"), "rows");
});
afterAll(() => rm(directory, { recursive: true }));

const users = [
  ["the user of this test", null],
  ["an ordinary user", ordinary],
] as const;

describe.skipIf(way === null).each(users)("run by %s, a trainer", (_name, user) => {
  const isMissing = user !== null && !(isRoot && isOpen);
  let home: string;
  beforeAll(async () => {
    home = join(directory, String(user ?? "own"));
    await mkdir(join(home, "keys"), { recursive: true });
    await mkdir(join(home, "artifacts"));
    await writeFile(join(home, "keys", "signing.pem"), "secret");
    await writeFile(join(home, "temporal.db"), "secret");
    await writeFile(join(home, "artifacts", "model"), "approved");
    if (user !== null)
      for (const path of ["", "keys", "artifacts", "temporal.db", "artifacts/model"]) await chown(join(home, path), user, user);
  });

  async function start(trainer: string, parameters: Record<string, string | number>[]): Promise<Run[]> {
    const work = { trainer, parameters, trainData: join(directory, "train.parquet"), jobsDirectory: join(home, "jobs") };
    const words = [process.execPath, join(trainers, "lone-worker.ts"), JSON.stringify(work)];
    const asUser = user === null ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
    const [command = "", ...args] = [...asUser, ...words];
    const env = { PATH: process.env["PATH"] ?? "", TEST_ONLY_SECRET: "x" };
    const { stdout } = await promisify(execFile)(command, args, { env, maxBuffer: 64 << 20 });
    expect(readdirSync(join(home, "jobs"))).toEqual([]);
    // Printed by lone-worker.ts.
    return JSON.parse(stdout) as Run[];
  }

  test.skipIf(isMissing)("reaches nothing but its own files, and leaves nothing behind", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const secrets = ["keys/signing.pem", "temporal.db", "artifacts/model"].map((name) => join(home, name));
    const targets = [
      ...secrets,
      resolve("activities/train.ts"),
      join(trainers, "spy.mjs"),
      process.execPath,
      "train.parquet",
      "/etc/passwd",
      "/x",
    ];
    const parameters = {
      secrets: [...secrets, "/etc/hostname", resolve("activities/train.ts"), "/proc/1/environ"].join(","),
      targets: targets.join(","),
      port: typeof address === "object" && address !== null ? address.port : 0,
      worker: process.pid,
    };
    const runs = await start("spy", [parameters, parameters]);
    server.close();
    for (const { log, isolated, end } of runs) {
      expect(isolated).toBe(true);
      expect(log).toMatch(/^Trainer "foreign" \(isolated: no network/);
      const found = JSON.parse(/found (\{.*\})/.exec(log)?.[1] ?? log);
      expect(found.environment.filter((name: string) => !repeatable.test(name) && !ordinaryNames.includes(name))).toEqual([]);
      expect(found.secrets.slice(0, -1)).toEqual(found.secrets.slice(0, -1).map(() => "ENOENT"));
      expect(found.secrets.at(-1)).not.toContain("TEST_ONLY_SECRET");
      for (const answer of found.written) expect(answer).toMatch(/^(EROFS|ENOENT|EACCES|ETXTBSY)$/);
      expect(found.root).toEqual(expect.arrayContaining(["job", "proc", "tmp", "usr"]));
      for (const name of ["home", "root", "var", "opt", "srv"]) expect(found.root).not.toContain(name);
      expect(found).toMatchObject({ user: 65_534, worker: false, left: [false, false] });
      expect(found.port).toMatch(/^(ENETUNREACH|ECONNREFUSED)$/);
      expect(found.processes).toBeLessThan(8);
      for (const answer of [found.namespaces, found.mounting, found.remounting]) expect(answer).not.toBe("done");
      expect(end.code).toBe(0);
    }
    expect(await readFile(join(home, "artifacts", "model"), "utf8")).toBe("approved");
  });

  test.skipIf(isMissing)("is ended when it fills any of its folders with bytes or with files", async () => {
    const runs = await start(
      "filler",
      ["/tmp", "/dev/shm", ".", "files"].map((place) => ({ place })),
    );
    expect(runs.map(({ end }) => end.stoppedBy)).toEqual(["output", "output", "output", "output"]);
    // What has no name any more is gone at its end, and took its room until then.
    const [hidden] = await start("filler", [{ place: "deleted" }]);
    expect(hidden?.end.stoppedBy === "output" || hidden?.end.log.includes("ENOSPC")).toBe(true);
  });

  test.skipIf(isMissing)("has nothing but a plain file of its own, within its limit, taken for a model", async () => {
    const plants = ["link", "link inside", "folder", "pipe", "socket", "second name", "report link", "sparse"];
    const runs = await start(
      "planter",
      plants.map((plant) => ({ plant, target: join(home, "keys", "signing.pem") })),
    );
    const isOdd = "The trainer's model.onnx isn't a plain file.";
    expect(runs.map(({ refusal }) => refusal)).toEqual([
      ...Array.from({ length: 6 }, () => isOdd),
      "The trainer's result.json isn't a plain file.",
      "The trainer's model.onnx has 1099511627776 bytes; 10485760 are allowed.",
    ]);
    expect(runs.every(({ model }) => model === null)).toBe(true);
  });

  test.skipIf(isMissing)("writes nothing after its end, and can take itself the rights to what it wrote", async () => {
    const [late, locked] = await start("planter", [{ plant: "late" }, { plant: "locked" }]);
    expect(late?.model).toBe("in time".length);
    expect(late?.end.durationMs).toBeLessThan(5_000);
    // Root reads it all the same.
    if (user !== null) expect(locked?.refusal).toBe("The trainer's model.onnx cannot be read.");
  });
});

/** What makes a run the same each time: threads and hashes, no secret. */
const repeatable = /^(?:OMP_|OPENBLAS_|PYTHON)[A-Z_]+$/;
const ordinaryNames = ["HOME", "LANG", "LC_ALL", "PATH", "PWD", "TMPDIR", "TZ", "SHLVL", "_", "OLDPWD"];

function isReadable(path: string): boolean {
  for (let folder = path; folder !== "/"; folder = dirname(folder))
    if (existsSync(folder) && (statSync(folder).mode & 0o005) !== 0o005) return false;
  return true;
}
