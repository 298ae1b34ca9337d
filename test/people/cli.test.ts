import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve, type ServerType } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommandLine } from "../../cli/program.ts";
import type { Ran } from "../cli/command.ts";
import { createFront, type Front } from "../control/front.ts";

let front: Front;
let server: ServerType;
let url = "";
let folder = "";
beforeAll(async () => {
  front = await createFront();
  folder = await mkdtemp(join(tmpdir(), "countersign-people-file-"));
  await new Promise<void>((resolve) => {
    server = serve({ fetch: front.app.fetch, hostname: "127.0.0.1", port: 0 }, (address: AddressInfo) => {
      url = `http://127.0.0.1:${address.port}`;
      resolve();
    });
  });
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await front.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The command line as it is, without the second that a process of its own takes to start. */
async function run(words: string[], token: string): Promise<Ran> {
  const said = { out: [] as string[], err: [] as string[] };
  const code = await runCommandLine(words, {
    output: { out: (text) => said.out.push(text), err: (text) => said.err.push(text), colour: false },
    env: { COUNTERSIGN_URL: url, COUNTERSIGN_TOKEN: token },
    cwd: folder,
    signal: new AbortController().signal,
  });
  return { code, out: said.out.join("\n"), err: said.err.join("\n") };
}

const as = (who: string, ...words: string[]): Promise<Ran> => run(words, front.tokens[who] ?? "");

async function file(text: string): Promise<string> {
  const path = join(folder, "people.yaml");
  await writeFile(path, text);
  return path;
}

describe("countersign", () => {
  it("plans a file of people, applies it in one step, and finds it so afterwards", async () => {
    const path = await file("people:\n  nora: { name: Nora, roles: [viewer] }\ngroups:\n  product: [pia, nora]\n");
    const plan = await as("olga", "people", "apply", path, "--plan");
    expect(plan.out).toContain("creates the person nora (Nora) with the role viewer");
    expect((await as("olga", "people", "show", "nora")).code).toBe(1);
    expect(await as("olga", "people", "apply", path)).toMatchObject({ code: 0, out: expect.stringContaining("2 done") });
    expect((await as("olga", "people", "apply", path)).out).toContain("It is so already.");
    const exported = await as("olga", "people", "export");
    expect(exported.out).toContain("nora:");
    expect(await as("olga", "people", "apply", await file(exported.out))).toMatchObject({
      code: 0,
      out: expect.stringContaining("It is so already."),
    });
  });

  it("tells every fault of the file at its line, whether the form or the facts are wrong, and applies nothing", async () => {
    const path = await file("people:\n  zoe: { nam: Zoe, roles: [king] }\n");
    const form = await as("olga", "people", "apply", path);
    expect(form).toMatchObject({ code: 2, err: expect.stringMatching(/people\.yaml:2:\d+.*roles/) });
    expect(form.err).toContain("people.zoe.nam");
    const facts = await as("olga", "people", "apply", await file("groups:\n  product:\n    - pia\n    - ghost\n"));
    expect(facts).toMatchObject({ code: 2, err: expect.stringMatching(/people\.yaml:4:\d+.*ghost is not known here/) });
  });

  it("refuses what is to one's own benefit with its reason", async () => {
    const own = await as("olga", "group", "add", "model-risk", "olga");
    expect(own).toMatchObject({ code: 4, err: expect.stringContaining("You cannot change your own groups (model-risk)") });
    const other = await as("olga", "group", "add", "model-risk", "pia", "--reason", "she joins");
    expect(other).toMatchObject({ code: 0, out: expect.stringContaining("adds pia to model-risk") });
    expect((await as("olga", "group", "remove", "model-risk", "pia")).code).toBe(0);
  });

  it("makes, lists and ends a token, and gives and takes back a delegation", async () => {
    const made = await as("ada", "token", "create", "--name", "a laptop", "--scope", "read", "--until", "7d");
    const [token = "", told = ""] = made.out.split("\n");
    expect(token).toMatch(/^cst_/);
    const id = /tok_[\w-]+/.exec(told)?.[0] ?? "";
    expect((await as("ada", "token", "list")).out).toContain("a laptop");
    expect((await as("ada", "token", "revoke", id)).code).toBe(0);
    const used = await run(["list", "models"], token);
    expect(used.code).toBe(4);

    const given = await as("grace", "delegate", "--to", "ben", "--until", "14d", "--reason", "holidays");
    expect(given).toMatchObject({ code: 0, out: expect.stringContaining("ben decides for grace on every model") });
    const delegation = /del_[\w-]+/.exec(given.out)?.[0] ?? "";
    expect((await as("ben", "delegations")).out).toContain(delegation);
    const back = await as("grace", "delegations", "--revoke", delegation, "--reason", "back again");
    expect(back).toMatchObject({ code: 0, out: expect.stringContaining("(revoked)") });
  });
});
