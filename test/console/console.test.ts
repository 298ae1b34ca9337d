import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReleaseView } from "../../domain/http/release-views.ts";
import { stages } from "../../domain/stages.ts";
import { createTestPrefix } from "../setup/temporal.ts";
import { apply, decide, promote, requestRelease, smallModel, untilGate, untilState } from "../world/models.ts";
import { createWorld } from "../world/world.ts";
import type { World } from "../world/world.ts";
import { openBrowser, signIn } from "./browser.ts";
import { openSite } from "./site.ts";
import type { Site } from "./site.ts";

const pictures = join(tmpdir(), "countersign-console-pictures");
let world: World;
let site: Site;
let browser: Browser;
/** A gate that no test decides. */
let still: Awaited<ReturnType<typeof waiting>>;

beforeAll(async () => {
  world = await createWorld();
  [site, browser] = await Promise.all([openSite(world), openBrowser(), mkdir(pictures, { recursive: true })]);
  still = await waiting();
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await world?.stop();
});

/** The browser stops empty fields; what counts is that the server does. */
const skipBrowserChecks = "for (const form of document.forms) form.noValidate = true";

/** A model of its own whose first release waits at its gate. */
async function waiting(change: Parameters<typeof smallModel>[2] = () => undefined) {
  const model = createTestPrefix();
  await apply(world, await smallModel(model, "medium", change));
  const release = await requestRelease(world, model);
  return { model, release, gate: await untilGate(world, release) };
}

describe("the console, in a browser", () => {
  it("lets Grace sign in, read the evidence and approve, and shows the release go on by itself", async () => {
    const { model, release, gate } = await waiting();
    const { page, context, complaints } = await signIn(browser, site, { name: "Grace" });
    await page
      .locator("li.card", { hasText: release })
      .getByRole("link", { name: /Review and decide/ })
      .click();
    await page.getByRole("heading", { level: 1, name: gate.request.ask }).waitFor();
    const metrics = page.locator("table.metrics");
    expect(await metrics.getByRole("row").count()).toBe(5);
    expect(await metrics.getByRole("img", { name: /AUC: candidate 0\.\d+, between/ }).count()).toBe(1);
    expect(await page.getByRole("img", { name: /^Calibration: predicted/ }).count()).toBe(1);
    await page.getByText("Who may not, and why").waitFor();
    expect(await page.locator("#people").innerText()).toContain("ada");
    await page.screenshot({ path: join(pictures, "gate.png"), fullPage: true });

    const watcher = await context.newPage();
    await watcher.goto(`/releases/${release}`);
    await page.getByRole("radio", { name: /Approve/ }).check();
    await page.getByRole("textbox", { name: /Reason/ }).fill("better than nothing");
    await page.getByRole("button", { name: "Send decision" }).click();
    const receipt = page.locator("#receipt");
    await receipt.waitFor();
    expect(await receipt.getAttribute("data-receipt")).toBe("accepted");
    await page.locator("#decide .outcome", { hasText: "approved" }).waitFor();

    // The page that was open before follows without being loaded again.
    await watcher.locator("#release-title .badge", { hasText: "promoted" }).waitFor({ timeout: 30_000 });
    expect(await watcher.locator("#stages > li.done").count()).toBe(stages.length);
    expect(await watcher.locator("#stages").innerText()).toContain("approved");
    await watcher.screenshot({ path: join(pictures, "release.png"), fullPage: true });
    await watcher.goto(`/models/${model}`);
    await watcher.getByText(`${release} serves since`).first().waitFor();
    const decision = (await site.control.gate(await site.control.authenticate(site.tokens["grace"] ?? "", "api"), gate.id))
      .decisions[0];
    expect(decision).toMatchObject({ by: "grace", surface: "console", reason: "better than nothing", counted: true });
    expect(decision?.seen).toMatch(/^sha256:/);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("shows the seven stages as they run", async () => {
    const { page, context, complaints } = await signIn(browser, site, { name: "Ada" });
    const model = createTestPrefix();
    await apply(world, await smallModel(model, "low"));
    await page.goto(`/models/${model}`);
    await page.locator("summary", { hasText: "Request a release" }).click();
    await page.getByLabel("Reason").first().fill("see it run");
    await page.getByRole("button", { name: "Request release" }).click();
    await page
      .locator("#receipt")
      .getByRole("link", { name: `${model}.1` })
      .click();
    await page.locator("#release-title .badge", { hasText: "promoted" }).waitFor({ timeout: 30_000 });
    expect(await page.locator("#stages > li").count()).toBe(stages.length);
    expect(await page.locator("#stages .summary").first().innerText()).toMatch(/1,000|1000/);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("tells Ada why she may not decide, and counts nothing when the form is sent all the same", async () => {
    const { gate } = still;
    const { page, context } = await signIn(browser, site, { name: "Ada" });
    await page.goto(`/gates/${gate.id}`);
    expect(await page.locator("form.decision").count()).toBe(0);
    await page.locator(".barred").waitFor();
    const csrf = await page.locator("form.me input[name=csrf]").inputValue();
    const sent = await page.request.post(`/gates/${gate.id}/decisions`, {
      form: { csrf, key: "sent-by-hand", digest: gate.request.digest, decision: "approve" },
      headers: { origin: site.url },
    });
    expect(await sent.text()).toContain('data-receipt="not-allowed"');
    const after = await world.as("grace").get<typeof gate>(`/api/gates/${gate.id}`);
    expect(after.body).toMatchObject({ state: "open", decisions: [] });
    await context.close();
  });

  it("takes a double submit once, and shows the one answer twice", async () => {
    const { gate } = await waiting();
    const { page, context } = await signIn(browser, site, { name: "Grace" });
    await page.goto(`/gates/${gate.id}`);
    const field = (name: string) => page.locator(`form.decision input[name=${name}]`).inputValue();
    const form = {
      csrf: await field("csrf"),
      key: await field("key"),
      digest: await field("digest"),
      seen: await field("seen"),
      decision: "reject",
      reason: "not convincing yet",
    };
    const send = () => page.request.post(`/gates/${gate.id}/decisions`, { form, headers: { origin: site.url }, maxRedirects: 0 });
    const answers = await Promise.all([send(), send(), send()]);
    const targets = new Set(answers.map((answer) => answer.headers()["location"]));
    expect(answers.map((answer) => answer.status())).toEqual([303, 303, 303]);
    expect(targets.size).toBe(1);
    const after = await world.as("grace").get<typeof gate>(`/api/gates/${gate.id}`);
    expect(after.body.decisions).toHaveLength(1);
    expect(after.body.resolution).toBe("rejected");
    await page.goto([...targets][0] ?? "");
    expect(await page.locator("#receipt").getAttribute("data-receipt")).toBe("accepted");
    await context.close();
  });

  it("tells who was faster, and takes the form away from a page that was open", async () => {
    const { gate } = await waiting();
    const { page, context } = await signIn(browser, site, { name: "George" });
    await page.goto(`/gates/${gate.id}`);
    const form = page.locator("form.decision");
    await form.waitFor();
    const hidden = async (name: string) => form.locator(`input[name=${name}]`).inputValue();
    const late = { csrf: await hidden("csrf"), key: await hidden("key"), digest: await hidden("digest"), decision: "approve" };
    await decide(world.as("grace"), gate, { decision: "reject", reason: "not convincing yet" });
    await form.waitFor({ state: "detached" });
    await page.locator("#decide", { hasText: "by grace" }).waitFor();
    const sent = await page.request.post(`/gates/${gate.id}/decisions`, { form: late, headers: { origin: site.url } });
    expect(await sent.text()).toContain('data-receipt="already-decided"');
    await context.close();
  });

  it("keeps what is being written while the page follows", async () => {
    const { gate } = still;
    const { page, context } = await signIn(browser, site, { name: "Grace" });
    await page.goto(`/gates/${gate.id}`);
    await page.locator("main[data-live]").waitFor();
    await page.getByRole("textbox", { name: /Reason/ }).fill("a long thought");
    const looked = page.waitForResponse((response) => response.url().includes(`/gates/${gate.id}`));
    // A refused attempt is on record, so the page looks again.
    await decide(world.as("ada"), gate, { decision: "approve" });
    await looked;
    expect(await page.getByRole("textbox", { name: /Reason/ }).inputValue()).toBe("a long thought");
    await context.close();
  });

  it("asks for a reason before it takes a rejection, and keeps the choice", async () => {
    const { gate } = still;
    const { page, context } = await signIn(browser, site, { name: "Grace" });
    await page.goto(`/gates/${gate.id}`);
    await page.getByRole("radio", { name: /Reject/ }).check();
    // The browser itself would stop an empty reason; what counts is the server.
    await page.evaluate(skipBrowserChecks);
    await page.getByRole("button", { name: "Send decision" }).click();
    await page.locator('#receipt[data-receipt="fail"], #receipt[data-receipt="invalid"]').waitFor();
    expect(await page.locator("form.decision").count()).toBe(1);
    const after = await world.as("grace").get<typeof gate>(`/api/gates/${gate.id}`);
    expect(after.body.state).toBe("open");
    await context.close();
  });

  it("lets a reviewer ask for changes, which start the next release", async () => {
    const { model, gate } = await waiting();
    const { page, context } = await signIn(browser, site, { name: "Grace" });
    await page.goto(`/gates/${gate.id}`);
    await page.getByRole("radio", { name: /Request changes/ }).check();
    await page.getByRole("textbox", { name: /Reason/ }).fill("regularise more");
    await page.getByLabel("Trainer’s parameters").fill("l2 = 5");
    await page.getByRole("button", { name: "Send decision" }).click();
    await page.locator('#receipt[data-receipt="accepted"]').waitFor();
    const next = await untilState(world, `${model}.2`, ["waiting"]);
    expect(next).toMatchObject({ parent: `${model}.1`, parameters: { train: { l2: 5 } } });
    await page.goto(`/releases/${model}.1`);
    await page.getByRole("link", { name: `${model}.2` }).waitFor();
    await context.close();
  });

  it("shows what blocks a release, with the cure, and takes a retry", async () => {
    const model = createTestPrefix();
    await apply(
      world,
      await smallModel(model, "medium", (definition) => {
        for (const source of Object.values(definition.data.sources)) source.files = "examples/credit-risk/data/missing.csv";
      }),
    );
    const release = await requestRelease(world, model);
    await untilState(world, release, ["blocked"]);
    const { page, context, complaints } = await signIn(browser, site, { name: "Ada" });
    await page.goto(`/releases/${release}`);
    const panel = page.locator("#blocked");
    await panel.getByRole("heading", { name: "Blocked at ingest" }).waitFor();
    expect(await panel.innerText()).toContain("missing.csv");
    expect(await panel.getByRole("button", { name: /Skip/ }).count()).toBe(0);
    await page.screenshot({ path: join(pictures, "blocked.png"), fullPage: true });
    await panel.getByLabel(/^Reason/).fill("the file is there now");
    await panel.getByRole("button", { name: "Retry" }).click();
    await page.locator("#receipt", { hasText: "tried again" }).waitFor();
    await panel.getByRole("heading", { name: "Blocked at ingest" }).waitFor({ timeout: 30_000 });
    await panel.getByLabel(/^Reason/).fill("there is no such file");
    await panel.getByRole("button", { name: "Abandon the release" }).click();
    await page.locator("#release-title .badge", { hasText: "abandoned" }).waitFor({ timeout: 30_000 });
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("rolls back after a box was ticked, and not without", async () => {
    const model = createTestPrefix();
    await apply(world, await smallModel(model, "medium"));
    const first = await promote(world, model);
    const second = await promote(world, model, { seed: 11 });
    expect(second.outcome).toBe("promoted");
    const { page, context } = await signIn(browser, site, { name: "Olga" });
    await page.goto(`/models/${model}`);
    await page.locator("summary", { hasText: "Roll back production" }).click();
    const form = page.locator("form[action$='/rollback']");
    await form.getByLabel("Reason").fill("errors in production");
    await page.evaluate(skipBrowserChecks);
    await form.getByRole("button", { name: "Roll back" }).click();
    await page.getByText("the box that confirms it was not ticked").waitFor();
    expect(
      (await world.as("olga").get<{ slots: { champion: { version: string } }[] }>(`/api/models/${model}`)).body.slots[0]?.champion
        .version,
    ).toBe(second.id);
    await page.locator("summary", { hasText: "Roll back production" }).click();
    await form.getByLabel("Reason").fill("errors in production");
    await form.getByLabel(/Move all traffic/).check();
    await form.getByRole("button", { name: "Roll back" }).click();
    await page.locator("#receipt", { hasText: `${first.id} serves production` }).waitFor();
    await page.locator("#slots", { hasText: `${first.id} serves since` }).waitFor();
    await context.close();
  });

  it("fits a phone, wherever one looks", async () => {
    const { model, release, gate } = still;
    const { page, context, complaints } = await signIn(browser, site, { name: "Grace", phone: true });
    for (const path of ["/", "/inbox", `/models/${model}`, `/releases/${release}`, `/gates/${gate.id}`, "/releases", "/audit"]) {
      await page.goto(path);
      const tooWide = await page.evaluate<number>("document.documentElement.scrollWidth - window.innerWidth");
      expect(tooWide, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
    }
    await page.goto(`/gates/${gate.id}`);
    await page.screenshot({ path: join(pictures, "gate-phone.png"), fullPage: true });
    await page.getByRole("link", { name: "To the decision" }).click();
    await page.getByRole("button", { name: "Send decision" }).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });
});

describe("the console", () => {
  async function session(who: string): Promise<string> {
    const answer = await fetch(`${site.url}/sign-in`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: site.url },
      body: new URLSearchParams({ principal: who }),
    });
    expect(answer.status).toBe(303);
    return (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  }

  it("decides nothing by GET, whatever the address says", async () => {
    const { gate } = still;
    const cookie = await session("grace");
    for (const path of [
      `/gates/${gate.id}?decision=approve&digest=${gate.request.digest}`,
      `/gates/${gate.id}/decisions?decision=approve&digest=${gate.request.digest}`,
      `/gates/${gate.id}`,
    ]) {
      for (const method of ["GET", "HEAD"])
        await fetch(site.url + path, { method, headers: { cookie, "sec-purpose": "prefetch" } });
    }
    const after = await world.as("grace").get<typeof gate>(`/api/gates/${gate.id}`);
    expect(after.body).toMatchObject({ state: "open", decisions: [] });
  });

  it.each([
    ["another origin", { origin: "https://elsewhere.example" }],
    ["no origin at all", {}],
    ["a sandboxed frame", { origin: "null" }],
  ])("refuses a form from %s, even with all its secrets", async (_name, headers) => {
    const { gate } = still;
    const cookie = await session("grace");
    const markup = await (await fetch(`${site.url}/gates/${gate.id}`, { headers: { cookie } })).text();
    const csrf = /name="csrf" value="([^"]+)"/.exec(markup)?.[1] ?? "";
    expect(csrf).not.toBe("");
    const body = new URLSearchParams({ csrf, key: "k", digest: gate.request.digest, decision: "approve" });
    const answer = await fetch(`${site.url}/gates/${gate.id}/decisions`, {
      method: "POST",
      headers: { cookie, ...headers },
      body,
    });
    expect(answer.status).toBe(403);
    const json = await fetch(`${site.url}/gates/${gate.id}/decisions`, {
      method: "POST",
      headers: { cookie, ...headers, "content-type": "application/json" },
      body: JSON.stringify(Object.fromEntries(body)),
    });
    expect(json.status).toBe(403);
    const stolen = await fetch(`${site.url}/gates/${gate.id}/decisions`, {
      method: "POST",
      headers: { cookie, origin: site.url },
      body: new URLSearchParams({ ...Object.fromEntries(body), csrf: "guessed" }),
    });
    expect(stolen.status).toBe(403);
    const after = await world.as("grace").get<typeof gate>(`/api/gates/${gate.id}`);
    expect(after.body.decisions).toEqual([]);
  });

  it("answers with a strict policy for its content, and a cookie that scripts and other sites cannot use", async () => {
    const answer = await fetch(`${site.url}/sign-in`, {
      method: "POST",
      redirect: "manual",
      headers: { origin: site.url },
      body: new URLSearchParams({ token: site.tokens["grace"] ?? "" }),
    });
    expect(answer.headers.get("set-cookie")).toMatch(/^countersign_session=[^;]+; .*HttpOnly.*SameSite=Strict/);
    const page = await fetch(`${site.url}/`, { headers: { cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "" } });
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
    expect(await page.text()).toContain(`nonce="${nonce}"`);
  });

  it("sends strangers to the sign-in and back, never to another site", async () => {
    const away = await fetch(`${site.url}/releases?state=blocked`, { redirect: "manual" });
    expect(away.headers.get("location")).toBe("/sign-in?next=%2Freleases%3Fstate%3Dblocked");
    for (const next of ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"]) {
      const answer = await fetch(`${site.url}/sign-in`, {
        method: "POST",
        redirect: "manual",
        headers: { origin: site.url },
        body: new URLSearchParams({ principal: "grace", next }),
      });
      expect(answer.headers.get("location")).toBe("/");
    }
    const wrong = await fetch(`${site.url}/sign-in`, {
      method: "POST",
      headers: { origin: site.url },
      body: new URLSearchParams({ token: "cst_wrong" }),
    });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("set-cookie")).toBeNull();
    expect((await fetch(`${site.url}/live`)).status).toBe(401);
  });

  it("ends the session when somebody signs out", async () => {
    const cookie = await session("grace");
    const markup = await (await fetch(`${site.url}/`, { headers: { cookie } })).text();
    const csrf = /name="csrf" value="([^"]+)"/.exec(markup)?.[1] ?? "";
    await fetch(`${site.url}/sign-out`, {
      method: "POST",
      redirect: "manual",
      headers: { cookie, origin: site.url },
      body: new URLSearchParams({ csrf }),
    });
    const after = await fetch(`${site.url}/`, { redirect: "manual", headers: { cookie } });
    expect(after.headers.get("location")).toBe("/sign-in?next=%2F");
  });

  it("answers unknown ids, foreign ids and odd requests with a page, never with a 500", async () => {
    const cookie = await session("pia");
    const { gate, release, model } = still;
    for (const path of [
      "/gates/none.1.promotion.1",
      "/releases/none.1",
      "/releases/%00",
      "/models/none",
      "/versions/none.1",
      "/nowhere",
      `/gates/${gate.id}`,
      `/releases/${release}`,
      `/models/${model}`,
    ]) {
      const answer = await fetch(site.url + path, { headers: { cookie } });
      expect(answer.status, path).toBe(404);
      expect(await answer.text()).toContain("<h1>Not found</h1>");
    }
    const large = await fetch(`${site.url}/gates/${gate.id}/decisions`, {
      method: "POST",
      headers: { cookie, origin: site.url },
      body: new URLSearchParams({ reason: "x".repeat(100_000) }),
    });
    expect(large.status).toBe(413);
  });

  it("escapes what people wrote", async () => {
    const model = createTestPrefix();
    await apply(
      world,
      await smallModel(model, "low", (definition) => {
        definition.title = `<script>alert("x")</script> & more`;
      }),
    );
    const cookie = await session("ada");
    const markup = await (await fetch(`${site.url}/models/${model}`, { headers: { cookie } })).text();
    expect(markup).not.toContain("<script>alert");
    expect(markup).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; more");
    const releases = await world.as("ada").get<{ items: ReleaseView[] }>("/api/releases");
    expect(releases.status).toBe(200);
  });
});
