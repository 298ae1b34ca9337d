import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { authenticate } from "../../control/sign-in.ts";
import { verifyAudit } from "../../db/audit.ts";
import { createDatabase, type Db } from "../../db/database.ts";
import { createTestDatabase } from "../setup/database.ts";

const program = fileURLToPath(new URL("../../deploy/people.ts", import.meta.url));
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  db = createDatabase({ url: database.url, max: 2 });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "countersign-people-"));
  return () => rm(folder, { recursive: true, force: true });
});

async function run(people: string): Promise<{ code: number; output: string }> {
  await writeFile(join(folder, "people.yaml"), people);
  const env = { ...process.env, DATABASE_URL: database.url };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, join(folder, "people.yaml"), join(folder, "tokens")],
      { env },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
      },
    );
  });
}

describe("the first people of an installation", () => {
  test("get their groups, their roles and a token for their eyes alone, once", async () => {
    const people = "- { id: rosa, name: Rosa, groups: [model-risk], roles: [viewer] }\n";
    expect(await run(people)).toMatchObject({ code: 0 });
    const path = join(folder, "tokens", "rosa.token");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const token = (await readFile(path, "utf8")).trim();
    const { principal } = await authenticate({ db }, token, "api");
    expect(principal).toMatchObject({ id: "rosa", kind: "person", groups: ["model-risk"], roles: ["viewer"] });

    await rm(path);
    expect(await run(people)).toEqual({ code: 0, output: "" });
    expect(await readdir(join(folder, "tokens"))).toEqual([]);
    expect(await verifyAudit(db)).toMatchObject({ ok: true });
  });

  test("get a first token too where they were added by the file that is kept in git", async () => {
    const people = "people: { vera: { name: Vera, roles: [viewer] } }\nmachines: { bot: {} }\ngroups: { model-risk: [vera] }\n";
    expect(await run(people)).toMatchObject({ code: 0 });
    expect((await readdir(join(folder, "tokens"))).toSorted()).toEqual(["bot.token", "vera.token"]);
    const token = (await readFile(join(folder, "tokens", "vera.token"), "utf8")).trim();
    expect((await authenticate({ db }, token, "api")).principal).toMatchObject({ displayName: "Vera", groups: ["model-risk"] });
    await db.updateTable("tokens").set({ revoked_at: new Date() }).where("principal_id", "=", "vera").execute();
    await rm(join(folder, "tokens"), { recursive: true });
    expect(await run(people)).toMatchObject({ code: 0 });
    expect(await readdir(join(folder, "tokens"))).toEqual(["vera.token"]);
  });

  test("are refused all together when the file has a fault, and every fault is told", async () => {
    const { code, output } = await run(
      "- { id: Otto!, name: Otto, roles: [king] }\n- { id: emil, name: Emil, roles: [viewer] }\n",
    );
    expect(code).toBe(2);
    expect(output).toMatch(/0\]?\.id/);
    expect(output).toMatch(/0\]?\.roles/);
    expect(await db.selectFrom("principals").select("id").where("id", "=", "emil").execute()).toEqual([]);
  });
});
