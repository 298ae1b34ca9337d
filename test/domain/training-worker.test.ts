import { expect, test } from "vitest";
import { markedIdentity, saidByWorkers } from "../../domain/training-worker.ts";

test("a training worker's identity says what it does where it cannot isolate, and still ends with its machine", () => {
  const identity = "4711@host";
  expect(markedIdentity(null, identity)).toBe(identity);
  const unisolated = markedIdentity("unisolated", identity);
  expect(unisolated.endsWith("@host")).toBe(true);
  expect(saidByWorkers([identity, "1@unisolated-trainers"])).toEqual([]);
  expect(saidByWorkers([identity, unisolated, unisolated])).toEqual([
    "a training worker runs trainers of commands without isolation, as COUNTERSIGN_ALLOW_UNISOLATED_TRAINERS says",
  ]);
  expect(saidByWorkers([markedIdentity("refusing", identity)])).toEqual([
    "a training worker refuses trainers of commands, which it cannot isolate",
  ]);
});
