import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFront, type Front } from "../control/front.ts";
import { applyExample, model, promote, waitAtGate } from "../records/passage.ts";
import { firstToken } from "./newcomers.ts";

/**
 * Who reads what, for every route of the OpenAPI document. A route that is not classified here fails
 * the test: whoever adds one says who reads it.
 */
type Kind =
  /** Bound to one model: its owner team, its deciders and those who run the platform; to others it does not exist. */
  | "model"
  /** A list, in which nothing of a model stands that one may not see. */
  | "list"
  /** The rules and the directory, which everybody may have to look up. */
  | "everybody"
  /** What is one's own. */
  | "own"
  /** Who is no admin is told so. */
  | "admin"
  | "open"
  /** Answered by the prediction server, which has tests of its own. */
  | "serving";

const kinds: [RegExp, Kind][] = [
  [/^\/api\/(health\/|openapi\.json$|docs$)/, "open"],
  [/^\/api\/models\/\{model\}\/predictions$/, "serving"],
  [/^\/api\/(models|releases|gates|versions|predictions)\/\{/, "model"],
  [/^\/api\/(models|releases|gates|versions|audit|events)$/, "list"],
  [/^\/api\/(people|reconciliation)/, "admin"],
  [/^\/api\/(commands|tokens|delegations)(\/|$)/, "own"],
  [/^\/api\/(me|groups|principals|policies|contracts|decisions|messages|audit\/verification)(\/|$)/, "everybody"],
];
/** Addresses without an id of the model that these tests know. */
const unknowable = new Set(["/api/gates/{id}/charts/{chart}", "/api/models/{model}/findings/{id}/close"]);

/** Where the form of the body is looked at first. */
const bodies: Record<string, object> = { renderings: { mediaType: "text/plain", text: "what was shown" } };

let front: Front;
let gate = "";
let routes: { method: string; path: string; kind: Kind | undefined }[] = [];
beforeAll(async () => {
  front = await createFront();
  await applyExample(front.registry);
  await promote(front.registry, 1);
  gate = (await waitAtGate(front.registry, 2)).gate;
  await front.db
    .insertInto("predictions")
    .values({
      id: "prd_1",
      model,
      environment: "production",
      version_id: `${model}.1`,
      epoch: 1,
      request: "{}",
      key: null,
      probability: 0.5,
      label: "late",
    })
    .execute();
  await front.as("olga").put("/api/principals/zoe", { displayName: "Zoe", roles: ["engineer", "viewer"] });
  await front.as("olga").put("/api/principals/glass", { displayName: "Glass", roles: ["break-glass"] });
  await front.as("olga").put("/api/principals/bot", { kind: "machine", displayName: "Bot", roles: ["engineer"] });
  for (const one of ["zoe", "glass", "bot"]) await firstToken(front, one);
  const document = (await (await front.raw("/api/openapi.json")).json()) as { paths: Record<string, Record<string, unknown>> };
  routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method, path, kind: kinds.find(([pattern]) => pattern.test(path))?.[1] })),
  );
});
afterAll(() => front?.stop());

const readers = ["ada", "grace", "olga", "glass"];
const strangers = ["zoe", "bot"];

/** The address of what the tests' model has at this route. */
function addressOf(path: string): string {
  const ids: Record<string, string> = {
    releases: `${model}.2`,
    gates: gate,
    versions: `${model}.1`,
    predictions: "prd_1",
  };
  const [, , kind = ""] = path.split("/");
  return path
    .replace("{model}", model)
    .replace("{id}", ids[kind] ?? "fnd_none")
    .replace("{chart}", "none.svg");
}

/** An empty body decides and changes nothing: who may see the thing is told that it is invalid. */
async function ask(as: string, method: string, path: string): Promise<{ status: number; text: string }> {
  const body = JSON.stringify(bodies[path.split("/").at(-1) ?? ""] ?? {});
  const command = method === "get" ? {} : { body, headers: { "content-type": "application/json" } };
  const response = await front.raw(path, { as, method: method.toUpperCase(), ...command });
  return { status: response.status, text: await response.text() };
}

test("every route says who reads it", () => {
  expect(routes.length).toBeGreaterThan(50);
  expect(routes.filter((route) => route.kind === undefined).map((route) => route.path)).toEqual([]);
});

describe("what is bound to a model", () => {
  test.each(strangers)("does not exist for %s, by any route and method", async (stranger) => {
    const seen: string[] = [];
    for (const { method, path } of routes.filter((route) => route.kind === "model")) {
      const { status, text } = await ask(stranger, method, addressOf(path));
      if (status !== 404 || text.includes("model-risk")) seen.push(`${method} ${path} ${status} ${text.slice(0, 200)}`);
    }
    expect(seen).toEqual([]);
  });

  test.each(readers)("is there for %s, by every route and method", async (reader) => {
    const missing: string[] = [];
    for (const { method, path } of routes.filter((route) => route.kind === "model" && !unknowable.has(route.path))) {
      const { status } = await ask(reader, method, addressOf(path));
      const logs = path.endsWith("/logs") && status === 404;
      if ((status === 404 && !logs) || status >= 500 || (method === "get" && status >= 400 && !logs))
        missing.push(`${method} ${path} ${status}`);
    }
    expect(missing).toEqual([]);
  });

  test("nobody gets anything at all without a token", async () => {
    for (const { method, path, kind } of routes.filter((route) => route.kind !== "open")) {
      const command = method === "get" ? {} : { body: "{}", headers: { "content-type": "application/json" } };
      const { status } = await front.raw(addressOf(path), { method: method.toUpperCase(), ...command });
      expect([kind, path, status]).toEqual([kind, path, 401]);
    }
  });
});

describe("lists", () => {
  const lists = () => routes.filter((route) => route.kind === "list" && route.path !== "/api/events");

  test.each(strangers)("say nothing of the model to %s, however they are asked", async (stranger) => {
    for (const { path } of lists())
      for (const query of ["", `?model=${model}`, "?limit=200"]) {
        const { status, text } = await ask(stranger, "get", `${path}${query}`);
        expect([path, status]).toEqual([path, 200]);
        expect(text, path).not.toContain(model);
      }
  });

  test.each(readers)("show it to %s", async (reader) => {
    for (const { path } of lists()) expect((await ask(reader, "get", path)).text, path).toContain(model);
  });

  test.each(strangers)("and the stream of events ends empty for %s", async (stranger) => {
    const caller = await front.control.authenticate(front.tokens[stranger] ?? "", "api");
    const signal = AbortSignal.timeout(300);
    const records: string[] = [];
    for await (const record of front.control.events(caller, { after: 0, signal })) records.push(record.subject);
    expect(records.filter((subject) => subject.includes(model))).toEqual([]);
  });
});

describe("the directory", () => {
  test("a machine sees itself and its own groups, and no others", async () => {
    expect((await front.as("bot").get("/api/groups/model-risk")).status).toBe(404);
    expect((await front.as("bot").get("/api/principals/grace")).status).toBe(404);
    expect((await front.as("bot").get<{ items: unknown[] }>("/api/groups")).body.items).toEqual([]);
    const listed = await front.as("bot").get<{ items: { principal: string }[] }>("/api/principals");
    expect(listed.body.items.map((one) => one.principal)).toEqual(["bot"]);
  });

  test("the file of all people is for admins", async () => {
    for (const who of ["ada", "grace", "zoe", "bot", "glass"])
      expect([who, (await front.as(who).get("/api/people")).status]).toEqual([who, 403]);
    expect((await front.as("olga").get("/api/people")).status).toBe(200);
  });
});

test("the stream of events ends when its reader's token is revoked", async () => {
  const token = await firstToken(front, "george");
  const caller = await front.control.authenticate(token, "api");
  const stream = front.control.events(caller, { after: 0, signal: AbortSignal.timeout(20_000) });
  const iterator = stream[Symbol.asyncIterator]();
  expect((await iterator.next()).done).toBe(false);
  await front.as("olga").post("/api/principals/george/deactivate", { reason: "last day" });
  let last = await iterator.next();
  while (last.done !== true) last = await iterator.next();
  expect(last.done).toBe(true);
}, 25_000);
