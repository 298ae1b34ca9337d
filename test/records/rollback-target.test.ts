import fc from "fast-check";
import { expect, test } from "vitest";
import { rollbackTargets, type Move } from "../../domain/rollback-target.ts";

function moves(text: string): Move[] {
  return text.split(" ").map((word) => ({ kind: word.startsWith("<") ? "rollback" : "promote", version: word.replace("<", "") }));
}

test.each([
  ["1", []],
  ["1 2", ["1"]],
  ["1 2 3", ["2", "1"]],
  ["1 2 3 <2", ["1"]],
  ["1 2 3 <1", []],
  ["1 2 <1 3", ["1"]],
  ["1 2 <1 <2", ["1"]],
  ["1 2 3 <1 4", ["1"]],
])("after the moves %s a rollback may go to %j", (text, targets) => {
  expect(rollbackTargets(moves(text))).toEqual(targets);
});

test("whatever was moved, the champion is never a target, and none is named twice", () => {
  const move = fc.record({
    kind: fc.constantFrom("promote" as const, "rollback" as const),
    version: fc.constantFrom("1", "2", "3", "4"),
  });
  fc.assert(
    fc.property(fc.array(move, { minLength: 1, maxLength: 30 }), (made) => {
      const targets = rollbackTargets(made);
      expect(targets).not.toContain(made.at(-1)?.version);
      expect(new Set(targets).size).toBe(targets.length);
    }),
  );
});
