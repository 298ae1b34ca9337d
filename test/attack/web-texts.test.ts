import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chartSvg } from "../../charts/render.ts";
import { sliceChart } from "../../charts/detail-charts.ts";
import { printable } from "../../cli/output.ts";
import { runCommandLine } from "../../cli/program.ts";
import type { Evaluation } from "../../domain/evidence.ts";
import { applyExample, decision, model, requestRelease, waitAtGate } from "../records/passage.ts";
import { escaped, hostile, namesIn } from "./hostile-texts.ts";
import { openFrontSite, type FrontSite } from "./site.ts";

/** What people, data and trainers write is shown to other people: in pages, in pictures, in terminals. None of it is obeyed there. */
let site: FrontSite;

beforeAll(async () => {
  site = await openFrontSite();
  const { registry } = site.front;
  await applyExample(registry, { title: hostile.slice(0, 100) });
  await site.send("/api/principals/ada", site.json("olga", { displayName: hostile }, "PUT"));
  const first = await waitAtGate(registry, 1);
  const rejection = { decision: "reject" as const, reason: hostile };
  await registry.records.closeGate({ gate: first.gate, commands: [decision(registry, first, "grace", rejection)] });
  await registry.records.endRelease({ release: first.release, outcome: "rejected", next: null, summary: hostile });
  const { release } = await requestRelease(registry, 2);
  await registry.records.startRelease({ release, runId: "run-2" });
  await registry.records.beginStage({ release, stage: "train" });
  const log = await registry.store.put(`${hostile}\n\u001b]0;owned\u0007\n`);
  await registry.records.blockRelease({
    release,
    cause: {
      stage: "train",
      code: "trainer-failed",
      message: hostile,
      cure: hostile,
      faults: [{ path: hostile, message: hostile }],
      logTail: hostile,
      skippable: false,
    },
    log,
  });
  await site.front.db
    .insertInto("findings")
    .values({
      id: "fnd_x",
      model,
      kind: "drift",
      title: hostile,
      key: null,
      gate_id: null,
      version_id: null,
      opened_by: "ada",
    })
    .execute();
  await site.front.db
    .insertInto("delegations")
    .values({
      id: "dlg_x",
      from_principal: "grace",
      to_principal: "george",
      model: null,
      reason: hostile,
      until: new Date(Date.now() + 86_400_000),
      created_by: "grace",
    })
    .execute();
}, 60_000);
afterAll(() => site?.front.stop());

describe("pages of the console", () => {
  test("show what anybody wrote as text, on every page that a reader can reach", async () => {
    const cookie = await site.signIn("olga");
    const seen = new Set<string>();
    const queue = ["/", "/audit", "/people", "/me", "/inbox", "/messages", "/policies", "/releases", `/models/${model}`];
    const showing: string[] = [];
    while (queue.length > 0 && seen.size < 60) {
      const path = queue.shift() ?? "";
      if (seen.has(path)) continue;
      seen.add(path);
      const answer = await site.send(path, { headers: { cookie } });
      const type = answer.headers.get("content-type") ?? "";
      const text = await answer.text();
      expect(answer.status, path).toBeLessThan(500);
      if (!type.startsWith("text/html")) {
        expect(type, path).not.toMatch(/html/);
        continue;
      }
      expect(text, path).not.toMatch(/<img src=x|<script>alert/);
      // Tags alone, for what is escaped has none: no handler among attributes, and no script without this answer's nonce.
      for (const [tag] of text.matchAll(/<[a-z][^>]*>/gi)) expect(namesIn(tag), path).not.toMatch(/\son[a-z]+\s*=/i);
      const nonce = /'nonce-([^']+)'/.exec(answer.headers.get("content-security-policy") ?? "")?.[1] ?? "none";
      for (const [script] of text.matchAll(/<script\b[^>]*>/gi)) expect(script, path).toContain(`nonce="${nonce}"`);
      if (text.includes(escaped)) showing.push(path);
      for (const [, link = ""] of text.matchAll(/href="(\/[^"#]*)/g)) queue.push(link.replaceAll("&amp;", "&"));
    }
    // The test is blind where the texts do not show at all.
    expect(showing).toEqual(
      expect.arrayContaining([`/models/${model}`, `/releases/${model}.2`, `/gates/${model}.1.promotion.1`, "/people", "/audit"]),
    );
    expect(site.faults).toEqual([]);
  }, 60_000);

  test("show a filter that somebody put into a link as text", async () => {
    const cookie = await site.signIn("olga");
    const answer = await site.send(`/audit?actor=${encodeURIComponent(hostile)}`, { headers: { cookie } });
    const text = await answer.text();
    expect(text).not.toMatch(/<img src=x|<script>alert/);
    expect(text).toContain(escaped);
    const missing = await (await site.send(`/models/${encodeURIComponent(hostile)}`, { headers: { cookie } })).text();
    expect(missing).not.toMatch(/<img src=x|<script>alert/);
  });

  test("a log is plain text to a browser, and never sniffed for anything else", async () => {
    const answer = await site.send(`/api/releases/${model}.2/logs?stage=train`, { headers: site.bearer("olga") });
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
  });
});

test("a chart draws a category's value as text: the SVG has no element of its own", async () => {
  const estimate = { value: 0.6, low: 0.5, high: 0.7 };
  const row = { slice: `carrier = ${hostile}`, rows: 100, value: estimate, rest: 0.8, worse: true };
  const chart = sliceChart({ slices: { metric: "auc", tested: 3, rows: [row] } } as unknown as Evaluation);
  const svg = await chartSvg(chart!.spec);
  expect(svg).toMatch(/^<svg/);
  expect(svg).not.toMatch(/<img|<script|<foreignObject/i);
  for (const [tag] of svg.matchAll(/<[a-z][^>]*>/gi)) expect(namesIn(tag)).not.toMatch(/\son[a-z]+\s*=/i);
  expect(svg).toContain("&lt;img src=x");
});

describe("a terminal", () => {
  const escape = "\u001b";
  /** Retitles the window, moves the cursor, hides text, an 8-bit CSI, and text that reads in another order than it is written. */
  const commands = `${escape}]0;owned\u0007 ${escape}[2J${escape}[1;1H ${escape}[8mhidden \u009b31m \u202eevil\u202c \rover\u0008`;

  function listen(colour: boolean) {
    const said: string[] = [];
    const write = (text: string) => void said.push(text);
    return { said, output: { colour, out: write, err: write } };
  }

  test("is told nothing by a text but the text, and keeps the command's own colours", () => {
    const { said, output } = listen(true);
    printable(output).out(`${escape}[32m✓${escape}[39m ${commands}`);
    expect(said[0]).toMatch(new RegExp(`^${escape}\\[32m✓${escape}\\[39m `));
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(said[0]?.slice(11)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(said[0]).toContain("\\u001b[8mhidden");
  });

  test.each([[[]], [["--json"]]])("is safe from a reason in an answer and in a refusal, with %j", async (more) => {
    const { said, output } = listen(false);
    const reached: string[] = [];
    const server = await import("@hono/node-server").then(({ serve }) =>
      serve({
        port: 0,
        hostname: "127.0.0.1",
        fetch: (request) => {
          reached.push(request.url);
          return Response.json({
            items: [
              {
                id: "x.1",
                model: commands,
                state: commands,
                trigger: commands,
                reason: commands,
                requestedBy: commands,
                createdAt: "2026-01-01T00:00:00Z",
                outcome: commands,
                stage: commands,
                waitsFor: commands,
              },
            ],
            next: null,
          });
        },
      }),
    );
    await new Promise((resolve) => (server.listening ? resolve(null) : server.once("listening", resolve)));
    const address = server.address() as { port: number };
    const io = { output, env: {}, cwd: process.cwd(), signal: new AbortController().signal };
    const url = ["--url", `http://127.0.0.1:${address.port}`, "--token", "cst_x"];
    const code = await runCommandLine([...url, ...more, "list", "releases"], io);
    server.close();
    expect([code, reached.length]).toEqual([0, 1]);
    const text = said.join("\n");
    expect(text).toContain("owned");
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    if (more.length > 0) expect(JSON.parse(text)).toMatchObject({ items: [{ reason: commands }] });
  });
});

test.each([hostile, "<!channel>", "a b", "A", "-a", 'a"', "a\\b", "\u001b[31m", "*a*"])(
  "a group cannot be called %j: its name is small letters, digits and hyphens wherever it is shown",
  async (name) => {
    const answer = await site.send(`/api/groups/${encodeURIComponent(name)}`, site.json("olga", { members: [] }, "PUT"));
    expect(answer.status).toBe(422);
    expect(await site.front.db.selectFrom("groups").select("id").where("id", "=", name).execute()).toEqual([]);
  },
);

test("a line of the server's log is one record, whatever a request had in it", async () => {
  const { default: pino } = await import("pino");
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  logger.error({ reason: `x"}\n{"level":50,"msg":"forged"}\n\u001b[2J` }, hostile);
  expect(lines).toHaveLength(1);
  for (const character of ["\n", "\u001b"]) expect(lines[0]?.trimEnd()).not.toContain(character);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: 50, msg: hostile });
});
