import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { insertPredictions } from "../../db/predictions.ts";
import { digestOfJson } from "../../domain/digest.ts";
import { createFront, type Front } from "../control/front.ts";
import { applyExample, model, promote, requestRelease, waitAtGate, type OpenGate } from "../records/passage.ts";
import { exampleDefinition } from "../records/registry.ts";

interface Page {
  items: Record<string, unknown>[];
  next: string | null;
}

let front: Front;
let open: OpenGate;
beforeAll(async () => {
  front = await createFront();
  await applyExample(front.registry);
  await promote(front.registry, 1);
  await promote(front.registry, 2);
  open = await waitAtGate(front.registry, 3);
  const prediction = { id: "prd_one", key: "order-7", request: { distance: 100 }, probability: 0.7, label: "late" };
  await insertPredictions(front.db, {
    model,
    environment: "production",
    version: `${model}.1`,
    epoch: 1,
    predictions: [prediction],
  });
});
afterAll(() => front?.stop());

const get = async <Body>(as: string, path: string) => (await front.as(as).get<Body>(path)).body;

describe("reading is by team", () => {
  const paths = [
    `models/${model}`,
    `models/${model}/monitoring`,
    `releases/${model}.1`,
    `releases/${model}.1/logs`,
    `versions/${model}.1`,
    `gates/${model}.1.promotion.1`,
    "predictions/prd_one",
  ];

  test("owners, deciders and operators see it; for others it is not there", async () => {
    for (const path of paths) {
      const statuses = await Promise.all(
        ["ada", "grace", "olga", "pia"].map(async (as) => (await front.raw(`/api/${path}`, { as })).status),
      );
      expect([path, ...statuses]).toEqual([path, 200, 200, 200, 404]);
    }
  });

  test("lists hold what single reads would show", async () => {
    for (const path of ["models", "releases", "versions", "gates", "audit"]) {
      const seen = await Promise.all(
        ["ada", "grace", "olga", "pia"].map(async (as) => (await get<Page>(as, `/api/${path}`)).items.length > 0),
      );
      expect([path, ...seen]).toEqual([path, true, true, true, false]);
    }
  });

  test("records about no model are for those who run the platform", async () => {
    const kinds = async (as: string) => new Set((await get<Page>(as, "/api/audit?limit=200")).items.map((item) => item["kind"]));
    expect(await kinds("olga")).toContain("token.created");
    expect(await kinds("ada")).not.toContain("token.created");
    expect(await kinds("ada")).toContain("definition.applied");
  });

  test("a name that is taken by a model one may not see can neither be read nor taken", async () => {
    const definition = await exampleDefinition({ owner: { team: "product", person: "pia" } });
    const answer = await front.as("pia").put(`/api/models/${model}`, definition);
    expect(answer.status).toBe(404);
  });
});

describe("lists", () => {
  test("come newest first, page by page, each item once", async () => {
    const seen: unknown[] = [];
    let next: string | null = "";
    while (next !== null) {
      const page: Page = await get("olga", `/api/releases?limit=1${next ? `&after=${next}` : ""}`);
      expect(page.items).toHaveLength(1);
      seen.push(page.items[0]?.["id"]);
      next = page.next;
    }
    expect(seen).toEqual([`${model}.3`, `${model}.2`, `${model}.1`]);
  });

  test("the audit comes in the order of the chain, whole, and can be asked for by what it is about", async () => {
    const seqs: unknown[] = [];
    let next: string | null = "";
    while (next !== null) {
      const page: Page = await get("olga", `/api/audit?limit=7${next ? `&after=${next}` : ""}`);
      seqs.push(...page.items.map((item) => item["seq"]));
      next = page.next;
    }
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => index + 1));
    const closed = await get<Page>("olga", `/api/audit?kind=gate.closed&subject=${open.release.replace(".3", ".1")}.promotion.1`);
    expect(closed.items).toMatchObject([{ kind: "gate.closed", model, subject: `${model}.1.promotion.1` }]);
    expect((await get<Page>("olga", "/api/audit?from=2999-01-01T00:00:00Z")).items).toEqual([]);
    expect((await get<Page>("olga", "/api/audit?actor=ada&limit=200")).items.every((item) => item["actor"] === "ada")).toBe(true);
  });

  test("each record's hash is that of its members, so that anybody can check the chain", async () => {
    const { items } = await get<Page>("olga", "/api/audit?limit=200");
    for (const { hash, ...record } of items) expect(digestOfJson(record)).toBe(hash);
    expect(await get("grace", "/api/audit/verification")).toMatchObject({ intact: true, fault: null });
  });

  test("filters by model and state", async () => {
    expect((await get<Page>("ada", "/api/releases?state=ended")).items).toHaveLength(2);
    expect((await get<Page>("ada", `/api/releases?state=waiting&model=${model}`)).items).toMatchObject([
      { id: open.release, state: "waiting" },
    ]);
    expect((await get<Page>("ada", "/api/versions?model=another")).items).toEqual([]);
    expect((await get<Page>("grace", "/api/gates?state=open")).items).toMatchObject([
      { id: open.gate, you: { mayDecide: true } },
    ]);
  });
});

describe("views", () => {
  test("a model says who serves, what runs and what the caller may do", async () => {
    const view = await get<Record<string, unknown>>("ada", `/api/models/${model}`);
    expect(view).toMatchObject({
      model,
      owner: { team: "ml-engineering" },
      tier: "medium",
      state: "active",
      activeRelease: open.release,
      slots: [{ environment: "production", epoch: 2, champion: { version: `${model}.2` }, canary: null, shadow: null }],
      actions: ["release", "define", "rollback", "pause", "retire"],
    });
    expect(await get("grace", `/api/models/${model}`)).toMatchObject({ actions: [] });
  });

  test("a release names all seven stages, its gates, who contributed and what may be done", async () => {
    const view = await get<{ stages: { stage: string; state: string; hasLog: boolean }[] }>(
      "ada",
      `/api/releases/${open.release}`,
    );
    expect(view).toMatchObject({
      state: "waiting",
      version: open.release,
      gates: [{ id: open.gate, name: "promotion", state: "open", resolution: null }],
      contributors: expect.arrayContaining([{ principal: "ada", how: "requested this release" }]),
      actions: ["withdraw"],
      blocked: null,
      links: { self: `/api/releases/${open.release}`, console: `http://127.0.0.1:4400/releases/${open.release}` },
    });
    expect(view.stages.map((one) => one.stage)).toEqual([
      "ingest",
      "validate",
      "featurize",
      "train",
      "evaluate",
      "deploy",
      "monitor",
    ]);
    expect(view.stages.find((one) => one.stage === "train")).toMatchObject({ state: "done", hasLog: true });
    expect(await get("grace", `/api/releases/${open.release}`)).toMatchObject({ actions: [] });
  });

  test("a log is text, and its tail its last lines", async () => {
    const text = Array.from({ length: 10 }, (_, n) => `line ${n}\n`).join("");
    const log = await front.store.put(text);
    await front.db
      .updateTable("release_stages")
      .set({ log })
      .where("release_id", "=", open.release)
      .where("stage", "=", "train")
      .execute();
    const whole = await front.raw(`/api/releases/${open.release}/logs?stage=train`, { as: "ada" });
    expect([whole.headers.get("content-type"), await whole.text()]).toEqual([expect.stringContaining("text/plain"), text]);
    expect(await (await front.raw(`/api/releases/${open.release}/logs?tail=2`, { as: "ada" })).text()).toBe("line 8\nline 9\n");
    expect((await front.raw(`/api/releases/${open.release}/logs?stage=ingest`, { as: "ada" })).status).toBe(404);
  });

  test("a version says what it is made of, who approved it, and when it served", async () => {
    expect(await get("ada", `/api/versions/${model}.1`)).toMatchObject({
      aliases: [],
      digests: { model: expect.stringMatching(/^sha256:/), data: expect.stringMatching(/^sha256:/) },
      metrics: [{ metric: "auc", verdict: "pass" }],
      approvals: [{ kind: "gate", gate: `${model}.1.promotion.1`, by: ["grace"], revokedAt: null }],
      served: [{ environment: "production", kind: "promote", epoch: 1, until: expect.any(String) }],
    });
    expect(await get("ada", `/api/versions/${model}.2`)).toMatchObject({
      aliases: ["production/champion"],
      served: [{ epoch: 2, until: null }],
    });
  });

  test("a prediction leads to its version, its release, and who approved it on which evidence", async () => {
    const view = await get<{ approval: { requestDigest: string } }>("ada", "/api/predictions/prd_one");
    expect(view).toMatchObject({
      id: "prd_one",
      key: "order-7",
      version: { id: `${model}.1` },
      release: `${model}.1`,
      approval: {
        kind: "gate",
        gate: `${model}.1.promotion.1`,
        resolution: "approved",
        decisions: [{ by: "grace", decision: "approve", counted: true }],
      },
    });
    const gate = await get<{ request: { digest: string } }>("ada", `/api/gates/${model}.1.promotion.1`);
    expect(view.approval.requestDigest).toBe(gate.request.digest);
  });

  test("policies and groups say what is in force", async () => {
    const { items } = await get<{ items: { id: string; gates: object[] }[] }>("pia", "/api/policies");
    expect(items).toHaveLength(12);
    expect(items.filter((policy) => policy.id.endsWith("-managed")).map((policy) => [policy.id, policy.gates.length])).toEqual([
      ["high-managed", 1],
      ["low-managed", 0],
      ["medium-managed", 1],
    ]);
    const groups = await get<{ items: { group: string; members: { principal: string }[] }[] }>("pia", "/api/groups");
    expect(groups.items.find((group) => group.group === "product")?.members).toMatchObject([{ principal: "pia" }]);
  });

  test("a queued release names the one that it waits behind, and why that one is blocked", async () => {
    const { release } = await requestRelease(front.registry, 4);
    expect(await get("ada", `/api/releases/${release}`)).toMatchObject({
      waitsFor: `Queued behind ${open.release}.`,
      behind: { release: open.release, blocked: null },
    });
    const cause = {
      stage: "train",
      code: "trainer-failed",
      message: "The trainer ended with 1.",
      cure: "Read the log.",
    } as const;
    await front.registry.records.blockRelease({
      release: open.release,
      cause: { ...cause, faults: [], logTail: "secret", skippable: false },
      log: null,
    });
    const { items } = await get<Page>("ada", "/api/releases?state=queued");
    const { stage, message, cure } = cause;
    expect(items).toMatchObject([
      {
        id: release,
        waitsFor: `Queued behind ${open.release}, which is blocked at train: The trainer ended with 1.`,
        behind: { release: open.release, blocked: { stage, message, cure } },
      },
    ]);
    expect(JSON.stringify(items)).not.toContain("secret");
    expect(await get("ada", `/api/releases/${open.release}`)).toMatchObject({ behind: null, state: "blocked" });
  });
});
