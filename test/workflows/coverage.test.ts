import { expect, test } from "vitest";
import { featuresOf, readRecorded } from "./history-features.ts";
import { requiredFeatures, withoutType } from "./required-features.ts";

test("every workflow, activity, signal, update, patch and timer occurs in a recorded history", async () => {
  const recorded = (await readRecorded()).flatMap(({ history }) => [...featuresOf(history)].map(withoutType));
  const missing = (await requiredFeatures()).filter((feature) => !recorded.includes(feature));
  expect(missing, "record histories with COUNTERSIGN_RECORD=<name> npm test -- test/workflows/shapes.test.ts").toEqual([]);
});
