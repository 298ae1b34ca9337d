import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  changeInWords,
  faultsOfWanted,
  planChanges,
  refusePeople,
  type People,
  type PeopleChange,
  type WantedPeople,
} from "../../domain/people-rules.ts";
import { roles, type Role } from "../../domain/principal.ts";

const person = (id: string, held: Role[] = ["viewer"]) => ({
  id,
  kind: "person" as const,
  displayName: id,
  roles: held,
  active: true,
});

function present(): People {
  return {
    principals: [
      person("olga", ["admin", "operator"]),
      person("otto", ["admin"]),
      person("grace"),
      person("george"),
      { ...person("hank"), active: false },
      { ...person("ci", ["engineer"]), kind: "machine" },
    ],
    groups: { platform: ["olga", "otto"], "model-risk": ["george", "grace"], automation: ["ci"] },
  };
}

const nothing: WantedPeople = { principals: [], groups: {}, complete: false };
const words = (wanted: Partial<WantedPeople>, state = present()) =>
  planChanges(state, { ...nothing, ...wanted }).map(changeInWords);
const refusal = (wanted: Partial<WantedPeople>, by: string, state = present()) =>
  refusePeople(state, planChanges(state, { ...nothing, ...wanted }), by);

describe("the plan", () => {
  test("what is so already is no change", () => {
    expect(words({ groups: { "model-risk": ["grace", "george"] }, principals: [{ id: "grace", roles: ["viewer"] }] })).toEqual(
      [],
    );
  });

  test("a group gets exactly the members that are named", () => {
    expect(words({ groups: { "model-risk": ["grace", "otto"] } })).toEqual([
      "removes george from model-risk",
      "adds otto to model-risk",
    ]);
  });

  test("a new person with a new group is created before she is added", () => {
    expect(words({ principals: [{ id: "pia", displayName: "Pia", roles: ["viewer"] }], groups: { product: ["pia"] } })).toEqual([
      "creates the person pia (Pia) with the role viewer",
      "creates the group product",
      "adds pia to product",
    ]);
  });

  test("who leaves is told once, with all groups, and is not removed from each besides", () => {
    expect(words({ principals: [{ id: "grace", active: false }], groups: { "model-risk": ["george"] } })).toEqual([
      "grace leaves model-risk, and loses tokens, sessions and delegations",
    ]);
  });

  test("a complete file lets everybody go whom it does not name, and empties the groups that it does not name", () => {
    const named = ["olga", "otto", "george"].map((id) => ({ id }));
    expect(words({ principals: named, groups: { platform: ["olga", "otto"] }, complete: true })).toEqual([
      "removes george from model-risk",
      "grace leaves model-risk, and loses tokens, sessions and delegations",
      "ci leaves automation, and loses tokens, sessions and delegations",
    ]);
  });

  test("an incomplete file leaves alone what it does not name", () => {
    expect(words({ principals: [{ id: "olga" }], groups: {} })).toEqual([]);
  });

  test("somebody who comes back comes without groups", () => {
    expect(words({ principals: [{ id: "hank", active: true }] })).toEqual(["takes hank back, without groups or tokens"]);
  });
});

describe("faults of what is wanted", () => {
  const faults = (wanted: Partial<WantedPeople>) =>
    faultsOfWanted(present(), { ...nothing, ...wanted }).map(({ path, message }) => `${path}: ${message}`);

  test("members must be known, here and present, and stand once", () => {
    expect(faults({ groups: { "model-risk": ["grace", "nobody", "hank", "grace"] } })).toEqual([
      "groups.model-risk.1: nobody is not known here",
      "groups.model-risk.2: hank has left; with active: true among the principals hank comes back",
      "groups.model-risk.3: grace stands here twice",
    ]);
  });

  test("a complete file that names a member but not the person is contradictory", () => {
    expect(faults({ groups: { "model-risk": ["grace"] }, complete: true })).toEqual([
      "groups.model-risk.0: grace is not named among the principals, and so would leave",
    ]);
  });

  test("to be named is not to come back: who has left is taken back in words", () => {
    const groups = { platform: ["hank"] };
    expect(faults({ principals: [{ id: "hank" }], groups, complete: true })).toEqual([
      "groups.platform.0: hank has left; with active: true among the principals hank comes back",
    ]);
    expect(faults({ principals: [{ id: "hank", active: true }], groups })).toEqual([]);
  });

  test("a machine is no admin and breaks no glass, and a person never becomes a machine", () => {
    expect(
      faults({
        principals: [
          { id: "ci", roles: ["admin", "break-glass", "engineer"] },
          { id: "grace", kind: "machine" },
          { id: "bot", kind: "machine", roles: ["admin"] },
        ],
      }),
    ).toEqual([
      "principals.ci.roles: admin and break-glass can be held by people only",
      "principals.grace.kind: is a person and stays one",
      "principals.bot.roles: admin can be held by people only",
    ]);
  });
});

describe("who may change people", () => {
  test.each([
    ["a viewer", "grace"],
    ["a machine", "ci"],
    ["somebody who left", "hank"],
    ["somebody unknown", "nobody"],
  ])("%s may not", (_who, by) => {
    expect(refusal({ groups: { "model-risk": [] } }, by)?.code).toBe("forbidden");
  });

  test("a machine may not, even where a row gives it the role", () => {
    const state = present();
    state.principals.push({ ...person("robot", ["admin"]), kind: "machine" });
    expect(refusal({ groups: { product: [] } }, "robot", state)?.code).toBe("forbidden");
  });

  test.each<[string, Partial<WantedPeople>]>([
    ["joins a group", { groups: { "model-risk": ["george", "grace", "olga"] } }],
    ["joins a group that is new", { groups: { judges: ["olga"] } }],
    ["leaves a group, which a policy may bar", { groups: { platform: ["otto"] } }],
    ["takes a role", { principals: [{ id: "olga", roles: ["admin", "operator", "break-glass"] }] }],
    ["swaps a role", { principals: [{ id: "olga", roles: ["admin", "engineer"] }] }],
    ["removes another from a group of one's own", { groups: { platform: ["olga"] } }],
  ])("an admin who %s needs another admin", (_what, wanted) => {
    expect(refusal(wanted, "olga")?.code).toBe("own-benefit");
    const other = refusal(wanted, "otto");
    // Otto is in platform too: what touches his own membership or rival is refused to him as well.
    if (!("platform" in (wanted.groups ?? {}))) expect(other).toBeNull();
  });

  test("one part for oneself spoils the whole: all or nothing", () => {
    expect(refusal({ groups: { "model-risk": ["george", "grace", "olga"], automation: [] } }, "olga")?.code).toBe("own-benefit");
  });

  test("an admin may lower her own roles while another admin is left", () => {
    expect(refusal({ principals: [{ id: "olga", roles: ["operator"] }] }, "olga")).toBeNull();
  });

  test("the last admin stays, by whatever change", () => {
    const alone = present();
    alone.principals = alone.principals.filter((one) => one.id !== "otto");
    alone.groups["platform"] = ["olga"];
    for (const wanted of [
      { principals: [{ id: "olga", roles: ["operator" as const] }] },
      { principals: [{ id: "olga", active: false }] },
      { principals: [{ id: "grace" }], complete: true },
    ])
      expect(refusal(wanted, "olga", alone)?.code).toBe("last-admin");
    expect(
      refusal(
        {
          principals: [
            { id: "olga", active: false },
            { id: "grace", roles: ["admin"] },
          ],
        },
        "olga",
        alone,
      ),
    ).toBeNull();
  });

  test("somebody who comes back as admin counts as one only with the role", () => {
    const state = present();
    state.principals = [person("olga", ["admin"]), { ...person("otto", ["admin"]), active: false }];
    expect(
      refusal(
        {
          principals: [
            { id: "olga", roles: [] },
            { id: "otto", active: true },
          ],
        },
        "olga",
        state,
      ),
    ).toBeNull();
    expect(
      refusal(
        {
          principals: [
            { id: "olga", roles: [] },
            { id: "otto", active: true, roles: [] },
          ],
        },
        "olga",
        state,
      )?.code,
    ).toBe("last-admin");
  });
});

/** What is so after the changes, written plainly: the model that the property compares with. */
function applied(state: People, changes: PeopleChange[]): People {
  const principals = new Map(state.principals.map((one) => [one.id, { ...one }]));
  const groups = new Map(Object.entries(state.groups).map(([group, members]) => [group, new Set(members)]));
  for (const change of changes) {
    if (change.kind === "create") principals.set(change.principal, { id: change.principal, active: true, ...change.as });
    if (change.kind === "new-group") groups.set(change.group, new Set());
    if (change.kind === "add") groups.get(change.group)?.add(change.principal);
    if (change.kind === "remove") groups.get(change.group)?.delete(change.principal);
    const one = "principal" in change ? principals.get(change.principal) : undefined;
    if (!one) continue;
    if (change.kind === "roles") one.roles = change.to;
    if (change.kind === "rename") one.displayName = change.displayName;
    if (change.kind === "return") one.active = true;
    if (change.kind === "leave") {
      one.active = false;
      for (const members of groups.values()) members.delete(change.principal);
    }
  }
  return {
    principals: [...principals.values()],
    groups: Object.fromEntries([...groups].map(([group, members]) => [group, [...members].toSorted()])),
  };
}

const ids = ["olga", "otto", "grace", "george", "hank", "ci", "new"];
const wantedArbitrary = fc.record<WantedPeople>({
  principals: fc.uniqueArray(
    fc.record(
      {
        id: fc.constantFrom(...ids),
        roles: fc.subarray([...roles]),
        active: fc.boolean(),
        displayName: fc.constantFrom("A", "B"),
      },
      { requiredKeys: ["id"] },
    ),
    { selector: (one) => one.id },
  ),
  groups: fc.dictionary(fc.constantFrom("platform", "model-risk", "automation", "judges"), fc.subarray(ids)),
  complete: fc.boolean(),
});

test("whatever is asked: it is refused, or afterwards it is so, somebody is admin, and the actor gained nothing", () => {
  fc.assert(
    fc.property(wantedArbitrary, fc.constantFrom("olga", "otto"), (wanted, by) => {
      const before = present();
      if (faultsOfWanted(before, wanted).length > 0) return;
      const changes = planChanges(before, wanted);
      if (refusePeople(before, changes, by) !== null) return;
      const after = applied(before, changes);
      expect(planChanges(after, wanted)).toEqual([]);
      expect(after.principals.some((one) => one.active && one.roles.includes("admin"))).toBe(true);
      const [was, is] = [before, after].map((state) => ({
        roles: state.principals.find((one) => one.id === by)?.roles ?? [],
        groups: Object.keys(state.groups).filter((group) => state.groups[group]?.includes(by)),
        active: state.principals.find((one) => one.id === by)?.active,
      }));
      expect(is?.roles.every((role) => was?.roles.includes(role))).toBe(true);
      if (is?.active) expect(is.groups.toSorted()).toEqual(was?.groups.toSorted());
      for (const members of Object.values(after.groups))
        for (const member of members) expect(after.principals.find((one) => one.id === member)?.active).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
