import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DelegationView, TokenMadeView, TokenView } from "../../domain/http/people-views.ts";
import type { Problem } from "../../domain/http/problem.ts";
import type { Page } from "../../domain/http/record-views.ts";
import { createFront, type Front } from "../control/front.ts";
import { applyExample } from "../records/passage.ts";

let front: Front;
beforeAll(async () => {
  front = await createFront();
  await applyExample(front.registry);
});
afterAll(() => front?.stop());

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
const me = async (token: string) => (await front.raw("/api/me", { headers: { authorization: `Bearer ${token}` } })).status;

describe("tokens", () => {
  test("one makes one's own: it is shown once, kept nowhere in the clear, and opens what it is for", async () => {
    const body = { name: "a script", scopes: ["read"], expiresAt: inDays(30) };
    const made = await front.as("ada").post<TokenMadeView>("/api/tokens", body, "once");
    expect(made).toMatchObject({ status: 201, body: { principal: "ada", createdBy: "ada", scopes: ["read"] } });
    const token = made.body.token ?? "";
    expect(await me(token)).toBe(200);
    const again = await front.as("ada").post<TokenMadeView>("/api/tokens", body, "once");
    expect(again.body).toEqual({ ...made.body, token: null });
    for (const table of ["commands", "tokens", "audit"] as const)
      expect(JSON.stringify(await front.db.selectFrom(table).selectAll().execute())).not.toContain(token);
    const listed = await front.as("ada").get<Page<TokenView>>("/api/tokens");
    expect(listed.body.items.map((one) => one.name)).toContain("a script");

    const scoped = await front.raw("/api/tokens", {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "more", expiresAt: inDays(1) }),
    });
    expect(scoped.status).toBe(403);

    await front.as("ada").post(`/api/tokens/${made.body.id}/revoke`, {});
    expect(await me(token)).toBe(401);
  });

  test("nobody makes a token for another person, not even an admin; for a machine an admin does", async () => {
    const body = { name: "help", expiresAt: inDays(1) };
    for (const [by, principal] of [
      ["olga", "grace"],
      ["ada", "grace"],
      ["ada", "ci"],
      ["ci", "grace"],
    ] as const)
      expect(await front.as(by).post<Problem>("/api/tokens", { ...body, principal }), by).toMatchObject({
        status: 403,
        body: { code: "forbidden" },
      });
    const made = await front.as("olga").post<TokenMadeView>("/api/tokens", { ...body, principal: "ci" });
    expect(made).toMatchObject({ status: 201, body: { principal: "ci", createdBy: "olga" } });
    const events = await front.db
      .selectFrom("audit")
      .select(["actor", "subject"])
      .where("kind", "=", "token.created")
      .where("actor", "=", "olga")
      .execute();
    expect(events.at(-1)).toEqual({ actor: "olga", subject: "ci" });
  });

  test("what is wrong with a token is told field by field", async () => {
    const refused = await front
      .as("ada")
      .post<Problem>("/api/tokens", { name: "x", scopes: ["read", "everything"], expiresAt: inDays(400) });
    expect(refused.status).toBe(422);
    expect(refused.body.errors?.map((fault) => fault.path)).toEqual(["scopes.1", "expiresAt"]);
  });

  test("a loop that makes tokens is stopped, and told how long to wait", async () => {
    const make = () => front.as("ben").post<Problem>("/api/tokens", { name: "loop", expiresAt: inDays(1) });
    let last = await make();
    for (let count = 1; count < 25 && last.status === 201; count += 1) last = await make();
    expect(last).toMatchObject({ status: 429, body: { code: "too-many-requests" } });
    expect(last.headers.get("retry-after")).toBe("600");
  });

  test("others' tokens are nobody's business but an admin's", async () => {
    expect((await front.as("ada").get("/api/tokens?principal=grace")).status).toBe(404);
    const listed = await front.as("olga").get<Page<TokenView>>("/api/tokens?principal=grace");
    expect(listed.status).toBe(200);
    const id = listed.body.items[0]?.id ?? "";
    expect((await front.as("ada").post(`/api/tokens/${id}/revoke`, {})).status).toBe(404);
  });
});

describe("delegations", () => {
  test("are given by oneself for a while, are on record, and are seen by both", async () => {
    const body = { to: "ben", until: inDays(14), reason: "holidays", model: "flight-delays" };
    const given = await front.as("grace").post<DelegationView>("/api/delegations", body, "given");
    expect(given).toMatchObject({ status: 201, body: { from: "grace", to: "ben", state: "standing", model: "flight-delays" } });
    expect((await front.as("grace").post<DelegationView>("/api/delegations", body, "given")).body).toEqual(given.body);
    for (const person of ["grace", "ben"]) {
      const { body: listed } = await front.as(person).get<Page<DelegationView>>("/api/delegations");
      expect(listed.items.map((one) => one.id)).toEqual([given.body.id]);
    }
    expect((await front.as("pia").get<Page<DelegationView>>("/api/delegations")).body.items).toEqual([]);
    expect((await front.as("pia").post(`/api/delegations/${given.body.id}/revoke`, { reason: "no" })).status).toBe(404);
    const ended = await front
      .as("ben")
      .post<DelegationView>(`/api/delegations/${given.body.id}/revoke`, { reason: "I am away too" });
    expect(ended.body.state).toBe("revoked");
    const kinds = await front.db
      .selectFrom("audit")
      .select(["kind", "actor"])
      .where("subject", "=", given.body.id)
      .orderBy("seq")
      .execute();
    expect(kinds).toEqual([
      { kind: "delegation.given", actor: "grace" },
      { kind: "delegation.revoked", actor: "ben" },
    ]);
  });

  test.each([
    ["to oneself", { to: "grace" }, "to"],
    ["to a machine", { to: "ci" }, "to"],
    ["to nobody", { to: "nobody" }, "to"],
    ["for longer than 60 days", { until: inDays(61) }, "until"],
    ["into the past", { until: inDays(-1) }, "until"],
    ["for a model that there is not", { model: "no-such-model" }, "model"],
    ["without a reason", { reason: "" }, "reason"],
  ])("%s is refused", async (_what, change, path) => {
    const refused = await front
      .as("grace")
      .post<Problem>("/api/delegations", { to: "ben", until: inDays(7), reason: "holidays", ...change });
    expect(refused.status).toBe(422);
    expect(refused.body.errors?.map((fault) => fault.path)).toEqual([path]);
  });

  test("the database keeps one as it was given, and refuses one that is given for somebody else", async () => {
    const { body } = await front
      .as("george")
      .post<DelegationView>("/api/delegations", { to: "pia", until: inDays(3), reason: "away" });
    const change = front.db
      .updateTable("delegations")
      .set({ until: new Date(Date.now() + 9e9) })
      .where("id", "=", body.id)
      .execute();
    await expect(change).rejects.toThrow(/can only be revoked/);
    const forged = front.db
      .insertInto("delegations")
      .values({
        id: "del_forged",
        from_principal: "george",
        to_principal: "ada",
        model: null,
        reason: "x",
        until: inDays(1),
        created_by: "ada",
      })
      .execute();
    await expect(forged).rejects.toThrow(/delegations_check/);
  });
});
