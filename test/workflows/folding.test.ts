import { expect, test } from "vitest";
import { digestOfJson } from "../../domain/digest.ts";
import { LifecycleState } from "../../workflows/lifecycle-state.ts";
import type { CommandOf } from "../../domain/signed-command.ts";

const definition = digestOfJson("a definition");
const running = { release: "m.1", definition, hasParameters: false };
const lifeOf = (carried: Partial<LifecycleState["carried"]> = {}) =>
  new LifecycleState("m", { nextNumber: 2, definition, active: running, queued: null, answered: [], ...carried });
const asked: CommandOf<"request-release"> = {
  id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  principal: "ada",
  groups: [],
  surface: "api",
  at: "2026-01-01T00:00:00.000Z",
  body: { kind: "request-release", model: "m", reason: "again", trigger: "api", parameters: {} },
  signature: "",
};

test("a request that was folded into a release that had ended leads to the next one", () => {
  const life = lifeOf();
  expect(life.request(asked)).toEqual({ release: "m.1", folded: true });
  life.clear("m.1");
  life.admitAnew(asked);
  expect(life.work.map(({ kind, release }) => [kind, release])).toEqual([
    ["fold", "m.1"],
    ["create", "m.2"],
  ]);
  expect(life.request(asked)).toEqual({ release: "m.2", folded: false });
  expect(life.carried.answered).toHaveLength(1);
});

test("where the queued release took its place meanwhile, the request folds into that", () => {
  const life = lifeOf({ nextNumber: 3, queued: { ...running, release: "m.2" } });
  life.request(asked);
  life.clear("m.1");
  life.admitAnew(asked);
  expect(life.request(asked)).toEqual({ release: "m.2", folded: true });
});
