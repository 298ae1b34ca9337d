import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { runCommandLine } from "../../cli/program.ts";
import type { PolicyItemView } from "../../domain/http/policy-views.ts";
import type { Page } from "../../domain/http/record-views.ts";
import { policyText } from "../../domain/policy-text.ts";
import { openSite, type Site } from "../console/site.ts";
import { smallModel } from "../world/models.ts";
import { createWorld, type World } from "../world/world.ts";
import { approve, authored } from "./proposing.ts";

let world: World;
let site: Site;
beforeAll(async () => {
  world = await createWorld();
  site = await openSite(world);
}, 120_000);
afterAll(async () => {
  await site?.close();
  await world?.stop();
});

/** The command, in this process. */
async function countersign(as: string, ...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const told = { out: "", err: "" };
  const output = {
    out: (text: string) => void (told.out += `${text}\n`),
    err: (text: string) => void (told.err += `${text}\n`),
    colour: false,
  };
  const env = { COUNTERSIGN_HOME: site.home };
  const signal = new AbortController().signal;
  const code = await runCommandLine([...words, "--as", as], { output, env, cwd: site.home, signal });
  return { code, ...told };
}

async function file(name: string, text: string): Promise<string> {
  const path = join(site.home, name);
  await writeFile(path, text);
  return path;
}

describe("countersign policy", () => {
  it("lists what is in force, and shows one in words and as it is written", async () => {
    const list = await countersign("pia", "policy", "list");
    expect(list).toMatchObject({ code: 0, err: "" });
    expect(list.out.trim().split("\n")).toHaveLength(12);
    expect(list.out).toMatch(/^high-optimized 1 +optimized +High risk, optimized: /m);
    const show = await countersign("pia", "policy", "show", "high-managed");
    expect(show.out).toContain("promotion: 2 may decide now.");
    expect(show.out).toContain("Changing this policy: 1 approval by model-risk within 7 d; then it is held, overdue.");
    const written = await countersign("pia", "policy", "show", "high-managed", "--document");
    const again = await file("again.yaml", written.out);
    expect(await countersign("pia", "policy", "check", again)).toMatchObject({
      code: 0,
      out: expect.stringContaining("high-managed is sound"),
    });
    expect(await countersign("olga", "policy", "publish", again)).toMatchObject({
      code: 0,
      out: expect.stringContaining("high-managed 1 is published"),
    });
  });

  it("tells faults at their lines, its own and those that only the server knows", async () => {
    const text = policyText(authored("medium-optimized"));
    const late = await file("late.yaml", text.replace("deadline: 3d", "deadline: 3 days"));
    const line = 1 + text.split("\n").findIndex((one) => one.includes("deadline: 3d"));
    expect(await countersign("olga", "policy", "check", late)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`late.yaml:${line}:15  gates[0].deadline must be a duration`),
    });
    const strange = await file("strange.yaml", text.replace("- platform", "- plattform"));
    const where = 1 + text.split("\n").findIndex((one) => one.includes("- platform"));
    const refused = await countersign("olga", "policy", "publish", strange);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain(`strange.yaml:${where}:`);
    expect(refused.err).toContain("names no known group (plattform). Did you mean `platform`?");
  });

  it("publishes behind the gate, and tries a file and a published one", async () => {
    const changed = await file(
      "changed.yaml",
      policyText({ ...authored("low-integrated"), title: "Low risk, integrated: another title." }),
    );
    const proposed = await countersign("george", "policy", "publish", changed);
    expect(proposed).toMatchObject({
      code: 0,
      out: expect.stringContaining("low-integrated 2 waits at policy.low-integrated.1"),
    });
    expect((await countersign("grace", "show", "policy.low-integrated.1")).out).toContain("May this policy take effect?");
    expect((await countersign("pia", "policy", "show", "low-integrated")).out).toContain(
      "Version 2 by george waits at policy.low-integrated.1.",
    );
    await approve(world, "grace", "policy.low-integrated.1");

    const tried = await countersign("pia", "policy", "test", changed, "--sample", "unfair");
    expect(tried).toMatchObject({ code: 0, err: "" });
    expect(tried.out).toContain("low-integrated, not published, on the sample unfair: It waits for 1 approval");
    expect(tried.out).toContain("The gap between the groups of sex is 0.310, its limit 0.200.");
    const free = await countersign("pia", "policy", "test", "low-initial");
    expect(free.out).toContain("No person is asked: the release goes through, and that is on record.");
  });

  it("says in words that a loosened definition and a retirement wait", async () => {
    const definition = await smallModel("worded", "medium");
    definition.maturity = "integrated";
    expect((await countersign("ada", "apply", await file("worded.json", JSON.stringify(definition)))).out).toContain(
      "worded is registered",
    );
    definition.maturity = "initial";
    const applied = await countersign("ada", "apply", await file("worded.json", JSON.stringify(definition)));
    expect(applied).toMatchObject({
      code: 0,
      out: expect.stringContaining("it waits at worded.definition.1; the present one stays in force"),
    });
    expect(applied.out).toContain("loosened: maturity goes from integrated to initial.");
    const retired = await countersign("ada", "retire", "worded", "--reason", "nobody needs it");
    expect(retired).toMatchObject({
      code: 0,
      out: expect.stringContaining("worded is retired once worded.retirement.1 is approved."),
    });
  });
});

test("policies say who may decide as groups are now", async () => {
  const { body } = await world.as("ada").get<Page<PolicyItemView>>("/api/policies?limit=100");
  const high = body.items.find((one) => one.id === "high-managed");
  expect(high?.gates[0]).toMatchObject({
    name: "promotion",
    mayDecide: { now: 2, trouble: null },
    inWords: expect.stringMatching(/^1 approval by model-risk within 7 d/),
  });
  const optimized = body.items.find((one) => one.id === "high-optimized");
  expect(optimized?.gates[1]).toMatchObject({ quorum: 3, mayDecide: { now: 3, trouble: null } });
  const initial = body.items.find((one) => one.id === "medium-initial");
  expect(initial?.gates[0]).toMatchObject({ mayDecide: { now: null } });
});

describe("the pages of policies", () => {
  const page = async (path: string): Promise<string> => {
    const signedIn = await fetch(`${site.url}/sign-in`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: site.url, "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ token: site.tokens["pia"] ?? "" }),
    });
    const cookie = signedIn.headers
      .getSetCookie()
      .map((one) => one.split(";")[0])
      .join("; ");
    const response = await fetch(`${site.url}${path}`, { headers: { cookie } });
    expect(response.status, path).toBe(200);
    return (await response.text()).replaceAll(/\s+/g, " ");
  };

  it("say what is in force, in words, and who may decide now", async () => {
    const list = await page("/policies");
    expect(list).toContain("High risk, optimized: model-risk on all data before training");
    expect(list).not.toContain("In force nowhere");
    const one = await page("/policies/high-optimized");
    expect(one).toContain("After validate, data: 1 approval by model-risk within 3 d");
    expect(one).toContain("promotion: 3 people");
  });

  it("try a policy, and tell what is wrong with the question", async () => {
    expect(await page("/policies/high-integrated?sample=drift")).toContain("1 finding of drift is open.");
    expect(await page("/policies/high-integrated?release=no-such-model.1")).toContain("There is no release no-such-model.1");
  });
});
