import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { policyReference } from "../../docs/policy-reference.ts";

test("docs/policy.md is what the schema says (npm run docs writes it)", async () => {
  expect(await readFile("docs/policy.md", "utf8")).toBe(policyReference());
});
