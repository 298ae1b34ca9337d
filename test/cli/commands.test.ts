import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReceiptView } from "../../domain/http/gate-views.ts";
import type { ReleaseView } from "../../domain/http/release-views.ts";
import { openSite } from "../console/site.ts";
import type { Site } from "../console/site.ts";
import { openGate } from "../policies/proposing.ts";
import { createTestPrefix } from "../setup/temporal.ts";
import { startExternalGate } from "../slack/external-gates.ts";
import { apply, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { createWorld } from "../world/world.ts";
import type { World } from "../world/world.ts";
import { countersign } from "./command.ts";
import { openUnreliableProxy } from "./unreliable-proxy.ts";

let world: World;
let site: Site;

beforeAll(async () => {
  world = await createWorld();
  site = await openSite(world, { serves: true });
}, 180_000);
afterAll(async () => {
  await site?.close();
  await world?.stop();
});

const as = (principal: string, ...words: string[]) => countersign([...words, "--as", principal], { COUNTERSIGN_HOME: site.home });

async function waiting() {
  const model = createTestPrefix();
  await apply(world, await smallModel(model, "medium"));
  const release = await requestRelease(world, model);
  return { model, release, gate: await untilGate(world, release) };
}

describe("countersign", () => {
  it("takes a model from its file to predictions and back, with nothing but commands", { timeout: 180_000 }, async () => {
    const model = createTestPrefix();
    const file = join(site.home, `${model}.yaml`);
    const definition = await smallModel(model, "medium");
    await writeFile(file, JSON.stringify(definition, null, 2));
    expect(await as("ada", "check", file)).toMatchObject({ code: 0, out: expect.stringContaining(`${model} is sound`) });
    expect(await as("ada", "apply", file)).toMatchObject({ code: 0, out: expect.stringContaining(`${model} is registered`) });
    expect(await as("ada", "apply", file)).toMatchObject({ code: 0, out: expect.stringContaining("stands") });

    const request = async (release: string, ...parameters: string[]) => {
      const requested = await as("ada", "release", model, "--reason", "a test", ...parameters);
      expect(requested).toMatchObject({ code: 0, out: expect.stringContaining(`${release} begins`) });
      return untilGate(world, release);
    };
    const first = await request(`${model}.1`);
    expect((await as("grace", "approve", first.id)).code).toBe(0);
    await untilState(world, `${model}.1`, ["ended"]);
    const release = `${model}.2`;
    const gate = await request(release, "--set", "seed=2", "--set", "train.l2=2");
    const watched = as("ada", "show", release, "--watch");
    expect((await as("grace", "inbox")).out).toMatch(new RegExp(`You may decide\\n.*${gate.id}`));
    expect((await as("grace", "show", gate.id)).out).toContain("You       may decide");
    const refused = await as("ada", "approve", gate.id);
    expect(refused.code).toBe(4);
    expect(refused.err).toContain("ada");
    const approved = await as("grace", "approve", gate.id, "--reason", "good enough");
    expect(approved.code, approved.err).toBe(0);
    expect(approved.out).toContain(gate.request.ask);
    expect(approved.out).toMatch(/auc +0\.\d+ \[0\.\d+, 0\.\d+\]/);
    expect(approved.out).toContain("accepted:");
    const late = await as("george", "approve", gate.id);
    expect(late).toMatchObject({ code: 1, err: expect.stringContaining("approved") });
    const seen = await watched;
    expect(seen.code, seen.err).toBe(0);
    expect(seen.out).toContain(`${release} ended: promoted`);
    expect(seen.out).toMatch(/train +done/);
    const ended = (await untilState(world, release, ["ended"])) satisfies ReleaseView;
    expect(ended).toMatchObject({ trigger: "cli", parameters: { seed: 2, train: { l2: 2 } } });

    const instance = JSON.stringify({ ...(await exampleRow()), credit_amount: 2000 });
    const predicted = await as("ada", "predict", model, "--instance", instance);
    expect(predicted, predicted.err).toMatchObject({ code: 0, out: expect.stringContaining(`${model}.2 says`) });
    const wrong = await as("ada", "predict", model, "--instance", '{"colour": "red"}');
    expect(wrong.code).toBe(2);

    const rolled = await as("olga", "rollback", model, "--reason", "a test");
    expect(rolled, rolled.err).toMatchObject({ code: 0, out: expect.stringContaining(`${model}.1 serves production again`) });
    expect((await as("ada", "show", model)).out).toContain(`${model}.1 serves since`);
    expect((await as("ada", "predict", model, "--instance", instance)).out).toContain(`${model}.1 says`);
    expect((await as("ada", "logs", `${model}.1`, "--stage", "train")).out).not.toBe("");
    for (const what of ["models", "releases", "gates"]) expect((await as("olga", "list", what)).out).toContain(model);
  });

  it("unblocks a release, with other parameters and by giving it up", { timeout: 120_000 }, async () => {
    const model = createTestPrefix();
    await apply(
      world,
      await smallModel(model, "medium", (definition) => {
        definition.train.limits.minutes = 0.000_01;
      }),
    );
    const release = await requestRelease(world, model);
    await untilState(world, release, ["blocked"]);
    const shown = await as("ada", "show", release);
    expect(shown.out).toContain("Blocked at train");
    expect(shown.out).toContain(`countersign unblock ${release} --retry`);
    expect(shown.out).not.toContain("--skip");
    expect((await as("grace", "unblock", release, "--retry", "--reason", "let me")).code).toBe(4);
    expect((await as("ada", "unblock", release, "--skip", "--reason", "never mind")).code).toBe(1);
    const retried = await as("ada", "unblock", release, "--retry", "--set", "limits.minutes=5", "--reason", "give it time");
    expect(retried, retried.err).toMatchObject({ code: 0 });
    await untilGate(world, release);
    expect((await as("ada", "unblock", release, "--abandon", "--reason", "too late")).code).toBe(1);
  });

  it("tells every fault of a file with its place, and sends nothing", async () => {
    const text = (await readFile("examples/credit-risk/model.yaml", "utf8"))
      .replace("tier: high", "tier: hgih")
      .replace("rows: applications", "rows: aplications");
    // Not in the instance's home, in which no file of a definition may lie.
    const folder = await mkdtemp(join(tmpdir(), "countersign-broken-"));
    const file = join(folder, "broken.yaml");
    for (const name of ["contract.yaml", "features.sql"])
      await writeFile(join(folder, name), await readFile(`examples/credit-risk/${name}`));
    await writeFile(file, text);
    for (const command of ["check", "apply"]) {
      const { code, err } = await as("ada", command, file);
      expect(code).toBe(2);
      expect(err).toMatch(/broken\.yaml:\d+:\d+ {2}tier must be .* Did you mean `high`\?/);
      expect(err).toMatch(/broken\.yaml:\d+:\d+ {2}data\.rows names `aplications`/);
    }
    const { code, out } = await as("ada", "check", file, "--json");
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ ok: false, files: [{ faults: [{ path: "tier" }, { path: "data.rows" }] }] });
    await rm(folder, { recursive: true });
  });

  it("gives programs the API's own answers", async () => {
    const { gate, release } = await waiting();
    const shown: unknown = JSON.parse((await as("grace", "show", release, "--json")).out);
    expect(shown).toMatchObject({ id: release, state: "waiting" });
    const rejected = await as("grace", "reject", gate.id, "--reason", "not yet", "--json");
    expect(JSON.parse(rejected.out) as ReceiptView).toMatchObject({ receipt: "accepted", decision: "reject", by: "grace" });
    const late = await as("george", "approve", gate.id, "--json");
    expect(late.code).toBe(1);
    expect(JSON.parse(late.out)).toMatchObject({ status: 409, code: "already-decided", receipt: "already-decided" });
  });

  it("decides on the request that was named, and on no other", async () => {
    const gate = await openGate(world, await startExternalGate(world.client));
    const stale = await as("grace", "approve", gate.id, "--digest", `sha256:${"0".repeat(64)}`);
    expect(stale).toMatchObject({ code: 1, err: expect.stringContaining("digest") });
    expect((await as("grace", "approve", gate.id, "--digest", gate.request.digest)).code).toBe(0);
  });

  it.each([
    ["an unknown release", ["show", "none.1"], 1],
    ["an unknown model", ["release", "none", "--reason", "a test"], 1],
    ["an unknown command", ["aprove", "x"], 2],
    ["a missing reason", ["release", "none"], 2],
    ["a parameter that does not exist", ["release", "none", "--reason", "a test", "--set", "memory=1"], 2],
    ["a parameter out of bounds", ["release", "none", "--reason", "a test", "--set", "until=2013-13"], 2],
    ["nothing to do with a blocked release", ["unblock", "none.1", "--reason", "a test"], 2],
    ["a stage that does not exist", ["logs", "none.1", "--stage", "trian"], 2],
    ["something that cannot be listed", ["list", "modles"], 2],
    ["no JSON to predict from", ["predict", "none", "--instance", "{"], 2],
  ])("ends with the right code for %s", async (_name, words, code) => {
    const ran = await as("ada", ...words);
    expect(ran.code, ran.err + ran.out).toBe(code);
    expect(ran.err).not.toBe("");
    expect(ran.err).not.toContain("    at ");
  });

  it("says who may ask, and gives a development token to its own machine alone", async () => {
    expect(await countersign(["list", "models"], { COUNTERSIGN_HOME: site.home })).toMatchObject({
      code: 4,
      err: expect.stringContaining("--as"),
    });
    expect(await as("grce", "list", "models")).toMatchObject({ code: 2, err: expect.stringContaining("Did you mean `grace`?") });
    expect(await countersign(["list", "models", "--token", "cst_wrong"], { COUNTERSIGN_HOME: site.home })).toMatchObject({
      code: 4,
    });
    const away = await countersign(["list", "models", "--as", "ada", "--url", "http://countersign.example"], {
      COUNTERSIGN_HOME: site.home,
    });
    expect(away).toMatchObject({ code: 2, err: expect.stringContaining("not for http://countersign.example") });
    const named = await countersign(["list", "models", "--json"], {
      COUNTERSIGN_URL: site.url,
      COUNTERSIGN_TOKEN: site.tokens["olga"] ?? "",
    });
    expect(named.code).toBe(0);
  });

  it("says that nothing answers", async () => {
    const { code, err } = await countersign(["list", "models"], {
      COUNTERSIGN_URL: "http://127.0.0.1:9",
      COUNTERSIGN_TOKEN: "x",
    });
    expect(code).toBe(3);
    expect(err).toContain("cannot be reached");
    expect((await countersign(["list", "models"], { COUNTERSIGN_HOME: "/nowhere" })).code).toBe(3);
  });

  it("sends a command once, though the answer is lost and the server is away for a moment", async () => {
    const model = createTestPrefix();
    await apply(world, await smallModel(model, "medium"));
    const proxy = await openUnreliableProxy(site.url, ["later", "answer lost", null]);
    const ran = await countersign(["release", model, "--reason", "a test", "--json", "--url", proxy.url, "--as", "ada"], {
      COUNTERSIGN_HOME: site.home,
    });
    await proxy.close();
    expect(ran, ran.err).toMatchObject({ code: 0 });
    expect(JSON.parse(ran.out)).toMatchObject({ release: `${model}.1`, folded: false });
    expect(new Set(proxy.seen.map((one) => one.key)).size).toBe(1);
    expect(proxy.seen.map((one) => one.replayed)).toEqual([false, false, true]);
    expect(ran.err).toContain("does not answer");
  });
});

describe("a command whose outcome is not known in time", () => {
  it("is followed until it is", async () => {
    // This server never waits long enough to know; the other one, beside it, delivers what is pending.
    const slow = await openSite(world, { limits: { knownWithinMs: 1, recordedWithinMs: 1 } });
    const settling = setInterval(() => void site.control.settlePending().catch(() => undefined), 200);
    try {
      const model = createTestPrefix();
      const file = join(slow.home, "model.json");
      await writeFile(file, JSON.stringify(await smallModel(model, "medium")));
      const applied = await countersign(["apply", file, "--as", "ada"], { COUNTERSIGN_HOME: slow.home });
      expect(applied, applied.err).toMatchObject({ code: 0 });
      expect((await world.as("ada").get<{ model: string }>(`/api/models/${model}`)).body.model).toBe(model);
    } finally {
      clearInterval(settling);
      await slow.close();
    }
  });
});

async function exampleRow(): Promise<Record<string, unknown>> {
  const [head = "", first = ""] = (await readFile("examples/credit-risk/data/german-credit.csv", "utf8")).split("\n");
  const { features } = await smallModel("any", "low");
  const cells = first.trim().split(",");
  const names = head.trim().split(",");
  const row = Object.fromEntries(names.map((name, index) => [name.replaceAll('"', ""), cells[index]?.replaceAll('"', "")]));
  return Object.fromEntries(
    Object.entries(features.request).map(([name, type]) => [name, type === "string" ? row[name] : Number(row[name])]),
  );
}
