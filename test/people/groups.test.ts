import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Problem } from "../../domain/http/problem.ts";
import type { GroupChangedView, PeopleAppliedView, PeoplePlanView, PeopleView } from "../../domain/http/people-views.ts";
import { createFront, type Front } from "../control/front.ts";
import { applyExample, waitAtGate } from "../records/passage.ts";
import { firstToken } from "./newcomers.ts";

let front: Front;
beforeAll(async () => {
  front = await createFront();
  await front.as("olga").put("/api/principals/otto", { displayName: "Otto", roles: ["admin"] });
  await firstToken(front, "otto");
});
afterAll(() => front?.stop());

const members = async (group: string) =>
  (await front.as("grace").get<{ members: { principal: string }[] }>(`/api/groups/${group}`)).body.members.map(
    (one) => one.principal,
  );

async function audited(kind: string, subject: string): Promise<Record<string, unknown>[]> {
  const rows = await front.db
    .selectFrom("audit")
    .select("body")
    .where("kind", "=", kind)
    .where("subject", "=", subject)
    .orderBy("seq")
    .execute();
  return rows.map((row) => JSON.parse(row.body) as Record<string, unknown>);
}

describe("groups", () => {
  test("an admin gives a group its members, and the change is in the audit chain with who and why", async () => {
    const answer = await front
      .as("olga")
      .put<GroupChangedView>("/api/groups/judges", { members: ["pia", "george"], reason: "a new circle" });
    expect(answer).toMatchObject({ status: 201, body: { members: ["george", "pia"] } });
    expect(answer.body.changes).toEqual(["creates the group judges", "adds pia to judges", "adds george to judges"]);
    expect(await members("judges")).toEqual(["george", "pia"]);
    expect(await audited("group.changed", "judges")).toMatchObject([
      { actor: "olga", data: { created: true, reason: "a new circle" } },
      { data: { added: "pia" } },
      { data: { added: "george" } },
    ]);
    const again = await front.as("olga").put<GroupChangedView>("/api/groups/judges", { members: ["george", "pia"] });
    expect(again).toMatchObject({ status: 200, body: { changes: [] } });
  });

  test("what was changed meanwhile is not overwritten", async () => {
    const read = await front.as("olga").get("/api/groups/judges");
    const tag = read.headers.get("etag") ?? "";
    await front.as("olga").put("/api/groups/judges", { members: ["pia"] });
    const stale = await front.raw("/api/groups/judges", {
      as: "olga",
      method: "PUT",
      headers: { "content-type": "application/json", "if-match": tag },
      body: JSON.stringify({ members: [] }),
    });
    expect(stale.status).toBe(412);
    expect(await members("judges")).toEqual(["pia"]);
  });

  test("who is no admin changes nothing, and that is on record", async () => {
    const refused = await front.as("ada").put<Problem>("/api/groups/model-risk", { members: ["ada"] });
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await audited("command.refused", "model-risk")).toMatchObject([{ actor: "ada", data: { code: "forbidden" } }]);
  });

  test("nobody adds himself, by one group, by his roles, or hidden in a file; another admin may", async () => {
    const before = await members("model-risk");
    const grown = [...before, "olga"];
    const own = await front.as("olga").put<Problem>("/api/groups/model-risk", { members: grown });
    expect(own).toMatchObject({ status: 403, body: { code: "own-benefit" } });
    const role = await front
      .as("olga")
      .put<Problem>("/api/principals/olga", { roles: ["admin", "operator", "break-glass", "engineer"] });
    expect(role).toMatchObject({ status: 403, body: { code: "own-benefit" } });
    const file = await front.as("olga").put<Problem>("/api/people", { groups: { "model-risk": grown, judges: ["george"] } });
    expect(file).toMatchObject({ status: 403, body: { code: "own-benefit" } });
    expect(await members("model-risk")).toEqual(before);
    expect(await members("judges")).toEqual(["pia"]);
    const other = await front.as("otto").put("/api/groups/model-risk", { members: grown });
    expect(other.status).toBe(200);
    await front.as("otto").put("/api/groups/model-risk", { members: before });
  });

  test("each wrong member is named at its place", async () => {
    const refused = await front.as("olga").put<Problem>("/api/groups/judges", { members: ["pia", "nobody"] });
    expect(refused).toMatchObject({
      status: 422,
      body: { errors: [{ path: "members.1", message: "nobody is not known here" }] },
    });
  });

  test("a membership is a span: who comes back did not belong in between", async () => {
    await front.as("olga").put("/api/groups/judges", { members: [] });
    await front.as("olga").put("/api/groups/judges", { members: ["pia"] });
    const spans = await front.db
      .selectFrom("group_members")
      .select(["since", "until"])
      .where("group_id", "=", "judges")
      .where("principal_id", "=", "pia")
      .orderBy("since")
      .execute();
    expect(spans.map((span) => span.until === null)).toEqual([false, true]);
    expect(spans[1]?.since.getTime()).toBeGreaterThanOrEqual(spans[0]?.until?.getTime() ?? 0);
  });
});

describe("the file", () => {
  test("what is exported changes nothing when it is applied", async () => {
    const { body } = await front.as("olga").get<PeopleView>("/api/people");
    expect(body.file.people).toHaveProperty("grace");
    const plan = await front.as("olga").post<PeoplePlanView>("/api/people/plan", body.file);
    expect(plan.body).toMatchObject({ changes: [], refused: null, unnamed: [], state: body.state });
  });

  test("a plan says what would change, and applying it does that in one step, under the state that was shown", async () => {
    const file = { people: { nora: { name: "Nora", roles: ["viewer"] } }, groups: { product: ["nora", "pia"] } };
    const plan = await front.as("olga").post<PeoplePlanView>("/api/people/plan", file);
    expect(plan.body.changes).toEqual(["creates the person nora (Nora) with the role viewer", "adds nora to product"]);
    expect((await front.as("olga").get("/api/principals/nora")).status).toBe(404);
    const apply = (state: string) =>
      front.raw("/api/people", {
        as: "olga",
        method: "PUT",
        headers: { "content-type": "application/json", "if-match": `"${state}"` },
        body: JSON.stringify(file),
      });
    const applied = (await (await apply(plan.body.state)).json()) as PeopleAppliedView;
    expect(applied.changes).toEqual(plan.body.changes);
    expect(applied.state).not.toBe(plan.body.state);
    expect((await apply(plan.body.state)).status).toBe(412);
    expect(await members("product")).toEqual(["nora", "pia"]);
  });

  test("faults are told at the places of the file, and nothing is applied", async () => {
    const file = {
      machines: { robot: { roles: ["admin"] } },
      people: { zoe: { name: "Zoe" } },
      groups: { product: ["pia", "ghost"] },
    };
    const refused = await front.as("olga").put<Problem>("/api/people", file);
    expect(refused.status).toBe(422);
    expect(refused.body.errors?.map((fault) => fault.path)).toEqual(["machines.robot.roles", "groups.product.1"]);
    expect((await front.as("olga").get("/api/principals/zoe")).status).toBe(404);
  });

  test("two files at once are applied one after the other, and one state admits one of them", async () => {
    const { body } = await front.as("olga").get<PeopleView>("/api/people");
    const both = await Promise.all(
      ["olga", "otto"].map((as, index) =>
        front.raw("/api/people", {
          as,
          method: "PUT",
          headers: { "content-type": "application/json", "if-match": `"${body.state}"` },
          body: JSON.stringify({ groups: { judges: index === 0 ? ["george"] : ["nora"] } }),
        }),
      ),
    );
    expect(both.map((answer) => answer.status).toSorted((one, other) => one - other)).toEqual([200, 412]);
  });
});

describe("leaving", () => {
  test("takes memberships, tokens, sessions and delegations in one transaction, and the next request is nobody's", async () => {
    await front.as("olga").put("/api/principals/leo", { displayName: "Leo", roles: ["viewer"] });
    await front.as("olga").put("/api/groups/model-risk", { members: [...(await members("model-risk")), "leo"] });
    const token = await firstToken(front, "leo");
    const session = await front.control.startSession(await front.control.authenticate(token, "console"));
    const until = new Date(Date.now() + 86_400_000).toISOString();
    await front.as("leo").post("/api/delegations", { to: "george", until, reason: "a day off" });
    await front.as("grace").post("/api/delegations", { to: "leo", until, reason: "a day off" });
    expect((await front.as("leo").get("/api/me")).status).toBe(200);

    const left = await front.as("olga").post<{ changes: string[] }>("/api/principals/leo/deactivate", { reason: "last day" });
    expect(left.body.changes).toEqual(["leo leaves model-risk, and loses tokens, sessions and delegations"]);
    expect((await front.as("leo").get("/api/me")).status).toBe(401);
    await expect(front.control.resumeSession(session.token)).rejects.toThrow(/revoked/);
    expect(await members("model-risk")).not.toContain("leo");
    const standing = await front.db.selectFrom("delegations").selectAll().where("revoked_at", "is", null).execute();
    expect(standing.filter((one) => one.from_principal === "leo" || one.to_principal === "leo")).toEqual([]);
    expect(await audited("principal.left", "leo")).toMatchObject([
      { actor: "olga", data: { groups: ["model-risk"], sessions: 1, reason: "last day" } },
    ]);
    const back = await front.as("olga").put<{ principal: { groups: string[] } }>("/api/principals/leo", { active: true });
    expect(back.body.principal.groups).toEqual([]);
    expect((await front.as("leo").get("/api/me")).status).toBe(401);
  });

  test("tells at once of a gate on which nobody can decide any more", async () => {
    await applyExample(front.registry);
    const { gate } = await waitAtGate(front.registry, 1);
    await front.as("olga").put("/api/groups/model-risk", { members: ["grace"], reason: "the others move" });
    const before = await front.db.selectFrom("gates").select("undecidable").where("id", "=", gate).executeTakeFirstOrThrow();
    expect(before.undecidable).toBeNull();
    await front.as("olga").post("/api/principals/grace/deactivate", { reason: "last day" });
    const after = await front.db.selectFrom("gates").select("undecidable").where("id", "=", gate).executeTakeFirstOrThrow();
    expect(after.undecidable).toMatch(/^Only 0 people may decide/);
    expect(await audited("gate.undecidable", gate)).toHaveLength(1);
  });

  test("the last admin stays", async () => {
    await front.as("olga").post("/api/principals/otto/deactivate", { reason: "moves on" });
    for (const attempt of [
      front.as("olga").post<Problem>("/api/principals/olga/deactivate", { reason: "enough" }),
      front.as("olga").put<Problem>("/api/principals/olga", { roles: ["operator"] }),
    ])
      expect(await attempt).toMatchObject({ status: 409, body: { code: "last-admin" } });
  });
});
