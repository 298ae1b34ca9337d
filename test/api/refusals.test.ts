import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFront, told, type Front } from "../control/front.ts";
import { applyExample, model, promote, waitAtGate, type OpenGate } from "../records/passage.ts";
import { exampleDefinition } from "../records/registry.ts";

let front: Front;
let open: OpenGate;
beforeAll(async () => {
  front = await createFront();
  await applyExample(front.registry);
  await promote(front.registry, 1);
  open = await waitAtGate(front.registry, 2);
});
afterAll(() => front?.stop());

describe("definitions", () => {
  test("the same again is 200 at once; If-Match holds; only the owner team may", async () => {
    const definition = await exampleDefinition();
    const seen = await front.raw(`/api/models/${model}`, { as: "ada" });
    const etag = seen.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"sha256:[0-9a-f]{64}"$/);
    const put = (as: string, headers: Record<string, string>, body: unknown = definition) =>
      front.raw(`/api/models/${model}`, {
        as,
        method: "PUT",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
    expect(await told(await put("ada", { "if-match": etag }))).toMatchObject({
      status: 200,
      body: { model, definitionDigest: etag.replaceAll('"', "") },
    });
    const changed = { ...definition, title: "Another question, is it not?" };
    expect(await told(await put("ada", { "if-match": `"sha256:${"0".repeat(64)}"` }, changed))).toMatchObject({
      status: 412,
      body: { code: "precondition-failed" },
    });
    expect(await told(await put("grace", {}, changed))).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await told(await put("olga", {}, changed))).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await told(await put("ada", {}, { ...changed, model: "another" }))).toMatchObject({
      status: 422,
      body: { errors: [{ path: "model" }] },
    });
    const refusals = await front.db.selectFrom("audit").select(["actor", "kind"]).where("kind", "=", "command.refused").execute();
    expect(refusals.map((row) => row.actor)).toEqual(["ada", "grace", "olga"]);
  });

  test("an owner whom nobody knows is a fault of the definition", async () => {
    const definition = await exampleDefinition({ model: "fresh", owner: { team: "nobody", person: "nobody" } });
    const answer = await told(
      await front.raw("/api/models/fresh", {
        as: "ada",
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(definition),
      }),
    );
    expect(answer).toMatchObject({
      status: 422,
      body: { code: "invalid", errors: [{ path: "owner.team" }, { path: "owner.person" }] },
    });
  });
});

describe("commands that the database settles", () => {
  test("who has not the role is told which one, and it is on record", async () => {
    for (const path of [
      `models/${model}/rollback`,
      `models/${model}/pause`,
      `models/${model}/releases`,
      `releases/${open.release}/withdraw`,
    ]) {
      expect(await front.as("grace").post(`/api/${path}`, { reason: "a test" })).toMatchObject({
        status: 403,
        body: { code: "forbidden" },
      });
    }
    const refused = await front.db
      .selectFrom("audit")
      .selectAll()
      .where("kind", "=", "command.refused")
      .where("actor", "=", "grace")
      .execute();
    expect(refused.length).toBeGreaterThanOrEqual(4);
  });

  test("a release that is not blocked cannot be unblocked, one that ended not be withdrawn", async () => {
    const unblock = await front.as("ada").post(`/api/releases/${open.release}/unblock`, { action: "retry", reason: "a test" });
    expect(unblock).toMatchObject({ status: 409, body: { code: "not-blocked" } });
    expect(await front.as("ada").post(`/api/releases/${model}.1/withdraw`, { reason: "a test" })).toMatchObject({
      status: 409,
      body: { code: "not-active" },
    });
    expect(await front.as("ada").post(`/api/releases/${model}.1/unblock`, { action: "retry", reason: "a test" })).toMatchObject({
      status: 409,
      body: { code: "not-active" },
    });
    const skip = await front
      .as("ada")
      .post(`/api/releases/${open.release}/unblock`, { action: "skip", reason: "a test", parameters: { seed: 1 } });
    expect(skip).toMatchObject({ status: 422, body: { errors: [{ path: "parameters" }] } });
  });

  test("a paused model takes no release", async () => {
    await front.db.updateTable("models").set({ state: "paused" }).where("name", "=", model).execute();
    expect(await front.as("ada").post(`/api/models/${model}/releases`, { reason: "a test" })).toMatchObject({
      status: 409,
      body: { code: "model-paused" },
    });
    await front.db.updateTable("models").set({ state: "active" }).where("name", "=", model).execute();
  });
});
