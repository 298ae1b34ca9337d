import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { receiptKinds } from "../../domain/gate.ts";
import { errorCodes } from "../../domain/errors.ts";
import { createFront, told, type Front } from "../control/front.ts";
import { applyExample, promote, waitAtGate } from "../records/passage.ts";

interface Operation {
  operationId: string;
  summary: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: object }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { enum?: string[]; properties?: Record<string, { enum?: string[] }> }> };
}

let front: Front;
let document: Document;
beforeAll(async () => {
  front = await createFront();
  await applyExample(front.registry);
  await promote(front.registry, 1);
  await waitAtGate(front.registry, 2);
  document = (await (await front.raw("/api/openapi.json")).json()) as Document;
});
afterAll(() => front?.stop());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

test("the routes are those of the snapshot: a changed URL must be seen in review", async () => {
  const listed = operations().map(({ path, method }) => `${method.toUpperCase().padEnd(4)} ${path}`);
  const snapshot = await readFile(new URL("routes.txt", import.meta.url), "utf8");
  expect(listed.toSorted((a, b) => a.slice(5).localeCompare(b.slice(5)) || a.localeCompare(b)).join("\n")).toBe(snapshot.trim());
});

test("the document is OpenAPI 3.1, with a name for every operation and no reference that leads nowhere", () => {
  expect(document.openapi).toBe("3.1.0");
  const ids = operations().map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g))
    expect(document.components.schemas).toHaveProperty(name ?? "");
  for (const { path, operation } of operations()) {
    const inPath = [...path.matchAll(/\{(.+?)\}/g)].map((match) => match[1]);
    expect(operation.parameters?.filter((one) => one.in === "path").map((one) => one.name) ?? []).toEqual(inPath);
    expect(operation.summary.length).toBeGreaterThan(5);
  }
});

test("every schema in it is valid JSON Schema", () => {
  const ajv = createAjv();
  for (const name of Object.keys(document.components.schemas))
    expect(ajv.getSchema(`openapi#/components/schemas/${name}`)).toBeTypeOf("function");
});

test("it publishes the closed set of codes and of receipts", () => {
  const { Problem, Receipt } = document.components.schemas;
  expect(Problem?.properties?.["code"]?.enum).toEqual(Object.keys(errorCodes));
  expect(Receipt?.properties?.["receipt"]?.enum).toEqual([...receiptKinds]);
});

/** What is kept by its digest is kept once by itself; the others answer a question and change nothing. */
const asksOnly = new Set([
  "/api/gates/{id}/renderings",
  "/api/policies/{policy}/test",
  "/api/contracts/suggest",
  "/api/people/plan",
]);

test("every route but the open ones says that it answers 401, and every command that it takes a key", () => {
  for (const { path, method, operation } of operations()) {
    if (operation.security?.length === 0) continue;
    expect(operation.responses, path).toHaveProperty("401");
    if (method === "get" || path.endsWith("/predictions") || asksOnly.has(path)) continue;
    // A question that records nothing.
    if (path === "/api/policies/{policy}/test") continue;
    expect(
      operation.parameters?.map((one) => one.name),
      path,
    ).toContain("idempotency-key");
  }
});

test("what the reads answer has the shape that the document promises", async () => {
  const ajv = createAjv();
  const paths = {
    "/api/me": "/api/me",
    "/api/models": "/api/models",
    "/api/models/flight-delays": "/api/models/{model}",
    "/api/models/flight-delays/monitoring": "/api/models/{model}/monitoring",
    "/api/releases": "/api/releases",
    "/api/releases/flight-delays.2": "/api/releases/{id}",
    "/api/gates": "/api/gates",
    "/api/gates/flight-delays.1.promotion.1": "/api/gates/{id}",
    "/api/versions": "/api/versions",
    "/api/versions/flight-delays.1": "/api/versions/{id}",
    "/api/policies": "/api/policies",
    "/api/groups": "/api/groups",
    "/api/audit": "/api/audit",
    "/api/audit/verification": "/api/audit/verification",
    "/api/reconciliation": "/api/reconciliation",
    "/api/health/live": "/api/health/live",
  };
  for (const [path, declared] of Object.entries(paths)) {
    const answer = await told(await front.raw(path, { as: "olga" }));
    expect([path, answer.status]).toEqual([path, 200]);
    const pointer = `openapi#/paths/${declared.replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D")}/get/responses/200/content/application~1json/schema`;
    const validate = ajv.getSchema(pointer);
    expect(validate?.(answer.body), `${path}: ${JSON.stringify(validate?.errors)}`).toBe(true);
  }
});

test("the page loads nothing from elsewhere", async () => {
  const response = await front.raw("/api/docs");
  const page = await response.text();
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
});

function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({ strict: false });
  // The package is CommonJS, whose default export is one level deeper.
  (formats as unknown as { default: (ajv: Ajv2020) => void }).default(ajv);
  ajv.addSchema(document, "openapi");
  return ajv;
}
